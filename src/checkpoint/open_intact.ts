import { CheckpointError } from "../errors.ts";
import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";
import { MissingPayloadError } from "./damage.ts";
import type { WorkOptions } from "./save.ts";
import { openSource, type Source } from "./source.ts";

/**
 * Opens a checkpoint that proves intact: its manifest is right, its payload as long as it must be; with `verify` every
 * checksum too. Undefined if it was removed since it was listed.
 *
 * Throws what {@linkcode openSource} throws.
 */
export async function openIntact(
  store: Store,
  base: string,
  options: WorkOptions & { readonly verify?: boolean | undefined },
): Promise<Source | undefined> {
  const source = await openListed(store, base);
  if (source === undefined) return undefined;
  try {
    if (options.verify === true || !await endsWell(source)) await expectVerified(source, options);
    return source;
  } catch (error) {
    source.reader.close();
    throw error;
  }
}

async function openListed(store: Store, base: string): Promise<Source | undefined> {
  try {
    return await openSource(store, base);
  } catch (error) {
    if (!(error instanceof CheckpointError && error.code === "not-found")) throw error;
    // Retention takes the manifest first: without it there is no checkpoint any more.
    const folder = base.includes("/") ? base.slice(0, base.indexOf("/")) : undefined;
    const manifest = base.slice(base.indexOf("/") + 1) + JSON_NAME_SUFFIX;
    const isListed = (await store.list(folder)).some(({ name }) => name === manifest);
    if (!isListed) return undefined;
    const path = `${store.label}/${base}${BIN_DATA_SUFFIX}`;
    throw new MissingPayloadError(`Cannot read payload "${path}": there is none`, { path, cause: error });
  }
}

/** A raw payload's size has been compared; a gzip stream ends with the size that it had. */
async function endsWell({ store, base, manifest, reader }: Source): Promise<boolean> {
  if (reader.positional || manifest.payloadSize === 0) return true;
  const handle = await store.open(base + BIN_DATA_SUFFIX);
  try {
    const end = new Uint8Array(4);
    await handle.read(end, handle.size - end.length);
    return new DataView(end.buffer).getUint32(0, true) === manifest.payloadSize % 2 ** 32;
  } finally {
    handle.close();
  }
}

/** Compares every checksum; closes the source and throws the first error if one is wrong. */
export async function expectVerified(source: Source, options: WorkOptions): Promise<void> {
  const { verifySource } = await import("./verify.ts");
  let damage: CheckpointError | undefined;
  await verifySource(source, options, (error) => damage ??= error);
  if (damage === undefined) return;
  source.reader.close();
  throw damage;
}
