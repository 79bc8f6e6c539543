import { ConfigError, LimitError, messageOf, NotFoundError, type OnWarning } from "../errors.ts";
import {
  BIN_DATA_SUFFIX,
  compareBaseNames,
  JSON_NAME_SUFFIX,
  MAX_MANIFEST_BYTES,
  nextCounter,
  parseBaseName,
} from "../format/mod.ts";
import type { BaseName } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";

/** The folder that broken checkpoints are put aside in. */
export const QUARANTINE_DIR = "quarantine";

/** What a store holds of checkpoints. */
export interface Listing {
  /** Checkpoints with a manifest, oldest first. */
  readonly checkpoints: readonly BaseName[];
  /** Every name of the grammar that any file has, so that a counter is never given out twice. */
  readonly seen: readonly BaseName[];
  /** Sizes in bytes of all blobs at the top level, by name. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** `store`, or a ConfigError if it is none; a notebook has no types to prevent it. */
export function expectStore(store: Store): Store {
  if (typeof store?.list === "function") return store;
  const found = typeof store === "object" && store !== null ? "an object that is none" : String(store);
  throw new ConfigError(
    `Cannot look for checkpoints: wanted the path of a directory or a Store, such as new MemoryStore(), found ${found}`,
  );
}

/** Lists the checkpoints of a store by the exact grammar of names; foreign files are not seen at all. */
export async function listCheckpoints(store: Store): Promise<Listing> {
  const checkpoints: BaseName[] = [];
  const seen: BaseName[] = [];
  const sizes = new Map((await store.list()).map(({ name, size }) => [name, size]));
  for (const name of sizes.keys()) {
    const suffix = [JSON_NAME_SUFFIX, BIN_DATA_SUFFIX].find((each) => name.endsWith(each));
    const parsed = suffix && parseBaseName(name.slice(0, -suffix.length));
    if (!parsed) continue;
    seen.push(parsed);
    if (suffix === JSON_NAME_SUFFIX) checkpoints.push(parsed);
  }
  return { checkpoints: checkpoints.sort(compareBaseNames), seen, sizes };
}

/** Throws a NotFoundError that says what there is instead of a checkpoint; `advice` ends its first part. */
export async function failWithout(store: Store, advice = ""): Promise<never> {
  const { seen, sizes } = await listCheckpoints(store);
  const names = [...sizes.keys()];
  const named = names.slice(0, 3).map((name) => `"${name}"`).join(", ");
  const others = names.length > 3 ? ` and ${names.length - 3} more` : "";
  const base = seen.at(-1)?.base;
  const there = base !== undefined
    ? `. It has the payload of "${base}", but not its manifest, "${base}${JSON_NAME_SUFFIX}": its save, or a copy, was interrupted`
    : names.length > 0
    ? `. It has ${named}${others}, none of them named as a checkpoint is`
    : "";
  const tfjs = names.includes("model.json") ? '; "model.json" looks like a model that tf.loadLayersModel() reads' : "";
  throw new NotFoundError(`No checkpoint in "${store.label}"${advice}${there}${tfjs}`, { path: store.label });
}

/**
 * The first counter that nothing in the quarantine has, nor anything before it. GoMLX looks at the top level only, and
 * would give the number of what was put aside to another checkpoint. Who has saved once need not look again: it has seen
 * the number at the top level before it was put aside. A failure is reported; no save need fail for a number.
 */
export async function counterAfterQuarantine(store: Store, onWarning: OnWarning): Promise<bigint> {
  try {
    const bases = (await store.list(QUARANTINE_DIR)).map(({ name }) => parseBaseName(name.replace(/\..*$/s, "")));
    return nextCounter(bases.filter((each) => each !== undefined));
  } catch (error) {
    onWarning(`could not look which numbers are used in "${store.label}/${QUARANTINE_DIR}": ${messageOf(error)}`);
    return 0n;
  }
}

/** All bytes of a small blob; LimitError above 256 MiB. */
export async function readManifestBytes(store: Store, name: string): Promise<Uint8Array> {
  const handle = await store.open(name);
  try {
    if (handle.size > MAX_MANIFEST_BYTES) {
      throw new LimitError(
        `Cannot read manifest "${store.label}/${name}": it has ${handle.size} bytes, the limit is ${MAX_MANIFEST_BYTES}`,
        { path: `${store.label}/${name}` },
      );
    }
    const bytes = new Uint8Array(handle.size);
    return bytes.subarray(0, await handle.read(bytes, 0));
  } finally {
    handle.close();
  }
}

/** Removes a checkpoint, marker first: at any instant it is whole or not listed. */
export async function removeCheckpoint(store: Store, base: string): Promise<void> {
  await store.remove(base + JSON_NAME_SUFFIX);
  await store.remove(base + BIN_DATA_SUFFIX);
}
