import { CheckpointError } from "../errors.ts";
import { crc32, type Entry, JSON_NAME_SUFFIX, parseManifest } from "../format/mod.ts";
import { drawable } from "../render/mod.ts";
import { isContentError } from "./damage.ts";
import { readManifestBytes } from "./directory.ts";
import { entryLabel } from "./entry_label.ts";
import { type EntryReader, TRANSFER_BYTES } from "./payload_reader.ts";
import { ByteProgress } from "./byte_progress.ts";
import type { WorkOptions } from "./save.ts";
import type { Source } from "./source.ts";
import { checkCrc } from "./stored_value.ts";
import { verifyReportView } from "./verify_view.ts";

/** What became of one variable in a {@linkcode VerifyReport}. */
export interface VerifiedVariable {
  /** `/scope/name`. */
  readonly path: string;
  /** Size in bytes. */
  readonly byteLength: number;
  /** `ok`: its bytes have the file's checksum; `unchecked`: they are all there, but the file has no checksum. */
  readonly result: "ok" | "unchecked" | "damaged";
  /** What is wrong with it. */
  readonly problem: string | undefined;
}

/** What {@linkcode Checkpoint.verify} found; draws itself in a notebook. */
export interface VerifyReport {
  /** File name without suffix. */
  readonly baseName: string;
  /** Where it is. */
  readonly place: string;
  /** Whether everything is there, and every checksum that the files have is right. */
  readonly ok: boolean;
  /** What is wrong with the manifest, or with the payload as a whole. */
  readonly problems: readonly string[];
  /** Every variable, in file order. */
  readonly variables: readonly VerifiedVariable[];
}

/**
 * Reads a checkpoint's manifest again and all its bytes. What is damaged is reported, and told to `onDamage`; what cannot
 * be read is thrown.
 */
export async function verifySource(
  source: Source,
  options: WorkOptions,
  onDamage: (error: CheckpointError) => void = () => {},
): Promise<VerifyReport> {
  const { store, base, manifest, reader } = source;
  const total = manifest.entries.reduce((sum, each) => sum + each.byteLength, 0);
  const progress = new ByteProgress("verify", total, options);
  return await progress.during(async () => {
    const problems = [await problemOf(() => checkManifest(source), onDamage)];
    await reader.ready();
    const forward = reader.forward();
    const results = new Map<Entry, VerifiedVariable>();
    for (const entry of manifest.entries.toSorted((a, b) => a.position - b.position)) {
      const problem = await problemOf(() => checkEntry(entry, forward, reader.path, progress), onDamage);
      const result = problem !== undefined ? "damaged" : entry.crc32 === undefined ? "unchecked" : "ok";
      results.set(entry, { path: entryLabel(entry), byteLength: entry.byteLength, result, problem });
    }
    const variables = manifest.entries.flatMap((entry) => results.get(entry) ?? []);
    const isDamaged = variables.some(({ result }) => result === "damaged");
    // A compressed stream that broke off has been told already.
    if (!isDamaged) problems.push(await problemOf(() => forward.finish(), onDamage));
    const found = problems.filter((each) => each !== undefined);
    return drawable(
      { baseName: base, place: store.label, ok: !isDamaged && found.length === 0, problems: found, variables },
      verifyReportView,
    );
  });
}

async function checkManifest({ store, base }: Source): Promise<void> {
  const name = base + JSON_NAME_SUFFIX;
  try {
    parseManifest(await readManifestBytes(store, name), { path: `${store.label}/${name}` });
  } catch (error) {
    // Retention may have removed it since; who holds it open goes on reading.
    if (!(error instanceof CheckpointError && error.code === "not-found")) throw error;
  }
}

async function checkEntry(entry: Entry, reader: EntryReader, path: string, progress: ByteProgress): Promise<void> {
  const buffer = new Uint8Array(Math.min(TRANSFER_BYTES, entry.byteLength));
  let crc = 0;
  for (let at = 0; at < entry.byteLength; at += TRANSFER_BYTES) {
    const slice = buffer.subarray(0, Math.min(TRANSFER_BYTES, entry.byteLength - at));
    if (reader.readNow?.(entry, slice, at) !== true) await reader.read(entry, slice, at);
    crc = crc32(slice, crc);
    progress.add(slice.length);
  }
  checkCrc(entry, crc, path);
}

/** The message of what is wrong with the content; other errors are thrown. */
async function problemOf(
  check: () => Promise<void>,
  onDamage: (error: CheckpointError) => void,
): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (!isContentError(error)) throw error;
    onDamage(error);
    return error.message;
  }
}
