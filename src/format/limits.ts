/** What the reader accepts at most. Everything is checked before memory is taken for it. */

/** Size of a manifest in bytes. */
export const MAX_MANIFEST_BYTES: number = 256 * 2 ** 20;
/** Variables in a manifest; params and variables together. */
export const MAX_ROWS = 1_000_000;
/** Dimensions of a variable. */
export const MAX_RANK = 32;
/** Nested JSON arrays and objects, the top-level object included. */
export const MAX_DEPTH = 64;
/** JSON values in params and unknown keys together; a param and an object count three more than they hold. */
export const MAX_VALUES = 250_000;
/** Bytes of JSON text in params and unknown keys together. */
export const MAX_TEXT_BYTES: number = 16 * 2 ** 20;
/** Bytes of a key, scope, parameter name or type name as written in the JSON. */
export const MAX_NAME_BYTES: number = 64 * 2 ** 10;
/** Deflate cannot expand by more than this: 258 bytes in 2 bits. */
export const MAX_INFLATION = 1032;
/** Inflated bytes after the last variable that are ignored, as in GoMLX; more is taken for a gzip bomb. */
export const MAX_EXTRA_BYTES: number = 2 ** 20;
