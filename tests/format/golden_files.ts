// The checkpoints that real GoMLX wrote, as tests find them.
import { assertEquals } from "@std/assert";
import {
  checkPayload,
  detectPayload,
  inflatePayloadSync,
  type Manifest,
  parseManifest,
  PAYLOAD_HEAD_BYTES,
  type PayloadHead,
} from "../../src/format/mod.ts";

/** One `.json` and `.bin` under `tests/golden`. */
export interface GoldenFile {
  /** `v0.27/params/checkpoint-…`, for messages. */
  readonly name: string;
  readonly version: string;
  readonly json: Uint8Array;
  readonly bin: Uint8Array;
}

export const GOLDEN = new URL("../golden/", import.meta.url);
export const VERSIONS = ["v0.19.4", "v0.27", "v0.28"] as const;

/** Every checkpoint below `tests/golden/<version>`, backups included. */
export function goldenFiles(): GoldenFile[] {
  return VERSIONS.flatMap((version) => filesIn(`${version}/`, version));
}

function filesIn(folder: string, version: string): GoldenFile[] {
  const files: GoldenFile[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, GOLDEN))) {
    if (isDirectory) files.push(...filesIn(`${folder}${name}/`, version));
    else if (name.startsWith("checkpoint-") && name.endsWith(".json")) {
      files.push(readGolden(`${folder}${name.slice(0, -5)}`, version));
    }
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Reads one checkpoint by its path without suffix. */
export function readGolden(name: string, version: string): GoldenFile {
  return {
    name,
    version,
    json: Deno.readFileSync(new URL(`${name}.json`, GOLDEN)),
    bin: Deno.readFileSync(new URL(`${name}.bin`, GOLDEN)),
  };
}

/** A file with its manifest, and the whole payload inflated. */
export function openGolden(file: GoldenFile): { manifest: Manifest; head: PayloadHead; payload: Uint8Array } {
  const place = { path: file.name };
  const manifest = parseManifest(file.json, place);
  const head = detectPayload(file.bin.subarray(0, PAYLOAD_HEAD_BYTES), place);
  assertEquals(checkPayload(manifest, head, file.bin.length, place), [], file.name);
  const data = file.bin.subarray(head.dataOffset);
  const payload = head.compression === "none" ? data : inflatePayloadSync(data, manifest.payloadSize, place);
  return { manifest, head, payload };
}
