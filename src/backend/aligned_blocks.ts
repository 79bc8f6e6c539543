/** What TensorFlow wants, to share memory instead of copying it; a cache line. */
const ALIGNMENT = 64;
const PAGE = 65_536;

/** The memory of each buffer that blocks were made of. */
const MEMORIES = new WeakMap<ArrayBufferLike, WebAssembly.Memory>();

/**
 * `count` blocks of zeros whose memory starts at a multiple of 64 bytes: tfjs-node takes means of such blocks twice as
 * fast. WebAssembly's memory is the only one whose address is known without asking, it starts on a page. Meant to be
 * made once and used again, since a process can have only so many. They follow each other at one distance.
 */
export function alignedBlocks(count: number, byteLength: number): Uint8Array[] {
  const stride = Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
  const pages = Math.ceil(count * stride / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { buffer } = memory;
  MEMORIES.set(buffer, memory);
  return Array.from({ length: count }, (_, index) => new Uint8Array(buffer, index * stride, byteLength));
}

/** The memory that `block` of {@linkcode alignedBlocks} is in; undefined for any other. */
export function memoryOf(block: Uint8Array): WebAssembly.Memory | undefined {
  return MEMORIES.get(block.buffer);
}
