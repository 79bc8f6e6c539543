/** Where Linux distributions have the C library: by absolute path, so that no search path decides. */
const PATHS = [
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

type Functions = typeof FUNCTIONS;

/** What is called of the C library. */
export type Libc = { readonly [Name in keyof Functions]: Deno.UnsafeFnPointer<Functions[Name]> };

let opened: Libc | undefined;

/** Why it may not be called; undefined if it may. Asks for no permission. */
export function whyNoLibc(): string | undefined {
  if (Deno.build.os !== "linux") return `not on ${Deno.build.os}`;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return "it needs --allow-ffi";
  return undefined;
}

/** The C library, opened at the first call; an Error if there is none. */
export function libc(): Libc {
  return opened ??= open();
}

function open(): Libc {
  for (const path of PATHS) {
    try {
      return openAt(path);
    } catch {
      // The next one.
    }
  }
  throw new Error(`no C library found at ${PATHS.join(", ")}`);
}

/** Of dlopen() the addresses are enough: it would compile a way into each function, for longer than all calls take. */
function openAt(path: string): Libc {
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
