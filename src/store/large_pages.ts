import { libc, whyNoLibc } from "./libc.ts";

/** Of this many bytes on it is worth asking: wherever they begin, there are whole pages of 2 MiB within. */
const WORTH_ASKING = 4 * 1024 * 1024;
/** The largest ordinary pages there are. */
const PAGE_BYTES = 65_536;
const MADV_HUGEPAGE = 14;

/**
 * Memory of `byteLength` zeros; a RangeError if there is not so much. The system hands it out page by page, when it is
 * first touched, and that takes longer than reading a file into it. So where it may be asked (Linux, with `--allow-ffi`),
 * much memory comes in pages of 2 MiB.
 */
export function allocateBytes(byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  if (byteLength >= WORTH_ASKING && whyNoLibc() === undefined) askForLargePages(bytes);
  return bytes;
}

function askForLargePages(bytes: Uint8Array<ArrayBuffer>): void {
  const start = Deno.UnsafePointer.of(bytes);
  if (start === null) return;
  const skipped = -BigInt(Deno.UnsafePointer.value(start)) & BigInt(PAGE_BYTES - 1);
  const length = BigInt(bytes.length) - skipped & ~BigInt(PAGE_BYTES - 1);
  try {
    // Advice: nothing depends on whether it was taken.
    libc().madvise.call(Deno.UnsafePointer.offset(start, Number(skipped)), length, MADV_HUGEPAGE);
  } catch {
    // No C library where it is looked for: the pages are ordinary ones, as without the permission.
  }
}
