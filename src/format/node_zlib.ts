/** `node:zlib`, loaded when it is first needed: that takes longer than to load all of Cairn. */
export function nodeZlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}

/** `node:stream`, likewise. */
export function nodeStream(): typeof import("node:stream") {
  return process.getBuiltinModule("node:stream");
}
