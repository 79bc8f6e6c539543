/** GoMLX's compressed payloads, taken apart by Node's zlib and not by our own code. */

import { gunzipSync } from "node:zlib";

const HEADERS = ["gomlx_checkpoints\u0004gzip", "gomlx_checkpointss\u0004gzip"];

/** The header of a payload and the ten bytes that Go's gzip streams begin with; "" for a raw one. */
export function headerOf(bin: Uint8Array): string {
  const head = String.fromCharCode(...bin.subarray(0, 33));
  const header = HEADERS.find((each) => head.startsWith(each));
  return header === undefined ? "" : head.slice(0, header.length + 10);
}

/** The bytes that the positions in the manifest count. */
export function inflated(bin: Uint8Array): Uint8Array {
  const header = headerOf(bin);
  return header === "" ? bin : new Uint8Array(gunzipSync(bin.subarray(header.length - 10)));
}
