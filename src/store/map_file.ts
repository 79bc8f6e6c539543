import { messageOf } from "../errors.ts";

/** A file in memory, or why it is not. */
export type MappedFile = MappedBytes | { readonly reason: string };

/** A file as memory. */
export interface MappedBytes {
  /** All of it. */
  readonly bytes: Uint8Array;
  /** A part of it for a while: see {@linkcode releaseWindow}. */
  window(start: number, length: number): Uint8Array;
  /**
   * Has the operating system read `length` bytes from `start` on, in a thread of its own, so that nobody waits when they
   * are touched. Where it cannot (Linux before 5.14), they are read then.
   */
  populate(start: number, length: number): Promise<void>;
}

/** Where Linux distributions have the C library: by absolute path, so that no search path decides. */
const LIBC = [
  `/lib/${Deno.build.arch}-linux-gnu/libc.so.6`,
  "/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
  "/lib/libc.so.6",
];

const FUNCTIONS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  madvise: { parameters: ["pointer", "usize", "i32"], result: "i32" },
  madviseInThread: { parameters: ["pointer", "usize", "i32"], result: "i32", nonblocking: true },
} as const;
/** What of a library's symbol is asked for. */
const ADDRESS = { type: "pointer" } as const;

const O_RDONLY_CLOEXEC = 0o2000000;
const SEEK_END = 2;
const PROT_READ_WRITE = 3;
/** Private: who writes into the memory gets a page of its own, the file never changes. No memory is set aside for it. */
const MAP_PRIVATE_NORESERVE = 0x4002;
const MAP_FAILED = 2n ** 64n - 1n;
const MADV_HUGEPAGE = 14;
const MADV_POPULATE_READ = 22;
/** The largest pages there are. */
const PAGE_BYTES = 65_536;
const MAX_PATH_BYTES = 4096;

type Functions = typeof FUNCTIONS;
type Libc = { readonly [Name in keyof Functions]: Deno.UnsafeFnPointer<Functions[Name]> };
let libc: Libc | undefined;

/**
 * Maps the file at `real`, a path without symlinks, of `size` bytes. The foreign function interface is outside of
 * Deno's sandbox: that `path` (the same file, as it was granted) may be read is asked for first, and that the opened
 * file is the one at `real` is checked after. The memory lives until the last ArrayBuffer of it is collected.
 */
export function mapFile(path: string, real: string, size: number): MappedFile {
  if (Deno.build.os !== "linux") return { reason: `on ${Deno.build.os} files are not mapped` };
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return { reason: "it needs --allow-ffi" };
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return { reason: "it may not be read" };
  if (size === 0) return { reason: "it is empty" };
  try {
    libc ??= openLibc();
    return mapWith(libc, real, size);
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

function openLibc(): Libc {
  for (const path of LIBC) {
    try {
      return libcAt(path);
    } catch {
      // The next one.
    }
  }
  throw new Error(`no C library found at ${LIBC.join(", ")}`);
}

/** Of dlopen() the addresses are enough: it would compile a way into each function, for longer than all calls take. */
function libcAt(path: string): Libc {
  const { symbols } = Deno.dlopen(path, {
    open: ADDRESS,
    close: ADDRESS,
    lseek: ADDRESS,
    readlink: ADDRESS,
    mmap: ADDRESS,
    munmap: ADDRESS,
    madvise: ADDRESS,
  });
  return {
    open: functionAt(symbols.open, FUNCTIONS.open),
    close: functionAt(symbols.close, FUNCTIONS.close),
    lseek: functionAt(symbols.lseek, FUNCTIONS.lseek),
    readlink: functionAt(symbols.readlink, FUNCTIONS.readlink),
    mmap: functionAt(symbols.mmap, FUNCTIONS.mmap),
    munmap: functionAt(symbols.munmap, FUNCTIONS.munmap),
    madvise: functionAt(symbols.madvise, FUNCTIONS.madvise),
    madviseInThread: functionAt(symbols.madvise, FUNCTIONS.madviseInThread),
  };
}

function functionAt<F extends Deno.ForeignFunction>(
  address: Deno.PointerValue,
  definition: F,
): Deno.UnsafeFnPointer<F> {
  const typed = Deno.UnsafePointer.create<Omit<F, "nonblocking">>(Deno.UnsafePointer.value(address));
  if (typed === null) throw new Error("the C library lacks a function");
  return new Deno.UnsafeFnPointer(typed, definition);
}

function mapWith(libc: Libc, real: string, size: number): MappedFile {
  const descriptor = libc.open.call(cString(real), O_RDONLY_CLOEXEC);
  if (descriptor < 0) return { reason: "it could not be opened" };
  try {
    if (linkOf(libc, descriptor) !== real) return { reason: "its path changed meanwhile" };
    if (libc.lseek.call(descriptor, 0n, SEEK_END) !== BigInt(size)) return { reason: "its size changed meanwhile" };
    const pointer = libc.mmap.call(null, BigInt(size), PROT_READ_WRITE, MAP_PRIVATE_NORESERVE, descriptor, 0n);
    if (pointer === null || BigInt(Deno.UnsafePointer.value(pointer)) === MAP_FAILED) {
      return { reason: `the system gave no memory for ${size} bytes` };
    }
    return new Mapping(libc, pointer, size);
  } finally {
    libc.close.call(descriptor);
  }
}

class Mapping implements MappedBytes {
  readonly #libc: Libc;
  readonly #pointer: Deno.PointerObject;
  readonly #size: number;
  #bytes: Uint8Array | undefined;
  #isAdvised = false;

  constructor(libc: Libc, pointer: Deno.PointerObject, size: number) {
    this.#libc = libc;
    this.#pointer = pointer;
    this.#size = size;
    mappings.register(this, { pointer, size });
  }

  /** Made when it is first asked for: a large buffer brings the collector. */
  get bytes(): Uint8Array {
    return this.#bytes ??= this.#part(0, this.#size);
  }

  window(start: number, length: number): Uint8Array {
    const window = this.#part(start, length);
    windows.add(window.buffer);
    return window;
  }

  #part(start: number, length: number): Uint8Array {
    const at = Deno.UnsafePointer.offset(this.#pointer, start);
    if (at === null || start < 0 || length < 0 || start + length > this.#size) {
      throw new RangeError(`no ${length} bytes at ${start} in a mapped file of ${this.#size}`);
    }
    const buffer = Deno.UnsafePointerView.getArrayBuffer(at, length);
    owners.set(buffer, this);
    return new Uint8Array(buffer);
  }

  async populate(start: number, length: number): Promise<void> {
    // What is not in memory yet is read and kept in pages of 2 MiB then: that is faster, and so is the next mapping.
    if (!this.#isAdvised) this.#libc.madvise.call(this.#pointer, BigInt(this.#size), MADV_HUGEPAGE);
    this.#isAdvised = true;
    const from = start - start % PAGE_BYTES;
    const page = Deno.UnsafePointer.offset(this.#pointer, from);
    const end = Math.min(this.#size, start + length);
    // Advice: nothing depends on whether it was taken. While it is waited for, `this` keeps the memory mapped.
    await this.#libc.madviseInThread.call(page, BigInt(end - from), MADV_POPULATE_READ);
  }
}

/**
 * Ends the use of a window of a mapped file: its length is 0 from now on. The collector comes for memory of this kind
 * that is not given back.
 */
export function releaseWindow({ buffer }: Uint8Array): void {
  if (windows.delete(buffer) && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** Buffers that may be given back: no tensor has them. */
const windows = new WeakSet<ArrayBufferLike>();

/** What each buffer is a part of: the file stays mapped as long as one is in use. */
const owners = new WeakMap<ArrayBufferLike, Mapping>();

/** A view of unmapped memory would crash the process: nothing but the collector knows when the last one is gone. */
const mappings = new FinalizationRegistry<{ readonly pointer: Deno.PointerObject; readonly size: number }>(
  ({ pointer, size }) => libc?.munmap.call(pointer, BigInt(size)),
);

/** The real path of an open file. */
function linkOf(libc: Libc, descriptor: number): string {
  const text = new Uint8Array(MAX_PATH_BYTES);
  const length = Number(libc.readlink.call(cString(`/proc/self/fd/${descriptor}`), text, BigInt(text.length)));
  return new TextDecoder().decode(text.subarray(0, Math.max(0, length)));
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
