import type { ReadHandle, Store } from "../store/mod.ts";

const BLOCK = 1 << 20;

/** Whether two blobs hold the same bytes. They are read block by block, and only if their sizes are the same. */
export async function haveSameBytes(store: Store, name: string, other: string): Promise<boolean> {
  using handle = closing(await store.open(name));
  using against = closing(await store.open(other));
  const { size } = handle.opened;
  if (size !== against.opened.size) return false;
  const [block, its] = [new Uint8Array(Math.min(size, BLOCK)), new Uint8Array(Math.min(size, BLOCK))];
  for (let at = 0; at < size; at += BLOCK) {
    const wanted = Math.min(BLOCK, size - at);
    const read = await handle.opened.read(block.subarray(0, wanted), at);
    if (read < wanted || await against.opened.read(its.subarray(0, wanted), at) < wanted) return false;
    if (!areSameBytes(block.subarray(0, wanted), its.subarray(0, wanted))) return false;
  }
  return true;
}

/** The same of bytes in memory, as many as there are of `bytes`. */
export function areSameBytes(bytes: Uint8Array, others: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== others[i]) return false;
  return true;
}

function closing(opened: ReadHandle): Disposable & { readonly opened: ReadHandle } {
  return { opened, [Symbol.dispose]: () => opened.close() };
}
