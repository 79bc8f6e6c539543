import { crc32 } from "../../src/format/mod.ts";
import type { ReadHandle, Store } from "../../src/store/mod.ts";

/** Puts text or bytes into a store under a name. */
export async function put(store: Store, name: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  await store.publish(name, (sink) => sink.write(bytes));
}

/** All bytes of a blob. */
export async function bytesOf(store: Store, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const handle: ReadHandle = await store.open(name);
  try {
    const bytes = new Uint8Array(handle.size);
    await handle.read(bytes, 0);
    return bytes;
  } finally {
    handle.close();
  }
}

/** A blob as text. */
export async function textOf(store: Store, name: string): Promise<string> {
  return new TextDecoder().decode(await bytesOf(store, name));
}

/** The names of all blobs, those in `backup` too. */
export async function namesOf(store: Store): Promise<string[]> {
  const top = (await store.list()).map(({ name }) => name);
  const backup = (await store.list("backup")).map(({ name }) => `backup/${name}`);
  return [...top, ...backup];
}

/** Names and contents (length and CRC-32) of all blobs, to compare before with after. */
export async function contentsOf(store: Store): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const name of await namesOf(store)) {
    const bytes = await bytesOf(store, name);
    contents.set(name, `${bytes.length} ${crc32(bytes)}`);
  }
  return contents;
}

/** A row of a manifest that is written by hand. */
export interface HandRow {
  readonly name: string;
  readonly values: readonly number[];
  /** More members of the row, as JSON. */
  readonly more?: { readonly [key: string]: unknown };
}

/**
 * Puts a checkpoint that Cairn did not write, so without checksums: Float32 vectors with the given `ParameterName`s,
 * more members at the top level, and params as they are in JSON.
 */
export async function putForeign(
  store: Store,
  base: string,
  rows: readonly HandRow[],
  options: { readonly params?: readonly unknown[]; readonly more?: { readonly [key: string]: unknown } } = {},
): Promise<void> {
  let position = 0;
  const variables = rows.map(({ name, values, more }) => {
    const row = { ParameterName: name, Dimensions: [values.length], DType: "Float32", Pos: position };
    position += values.length * 4;
    return { ...row, Length: values.length * 4, ...more };
  });
  const manifest = { Params: options.params ?? [], Variables: variables, ...options.more };
  await put(store, `${base}.bin`, new Uint8Array(new Float32Array(rows.flatMap(({ values }) => values)).buffer));
  await put(store, `${base}.json`, JSON.stringify(manifest));
}
