/**
 * Which GoMLX generation's bytes a checkpoint has.
 *
 * | profile | written by | read by | payload | root variables | packed dtypes | zero-size |
 * |---|---|---|---|---|---|---|
 * | `gomlx-0.10` | v0.10 – v0.24 | v0.4 – v0.27 | raw | `var://x` | no | no |
 * | `gomlx-0.25` | v0.25 – v0.27 | v0.25 – v0.27, raw by v0.4 on | raw or gzip | `var://x` | `S4` … | no |
 * | `gomlx-0.28` | v0.28 | v0.28 | raw or gzip | `var:/x` | `Int4` … | yes |
 *
 * A raw payload of 0 bytes, as a checkpoint without any variable has, is read by v0.4 – v0.24 only.
 */
export type Profile = "gomlx-0.10" | "gomlx-0.25" | "gomlx-0.28";

/** How old a file is, as far as it shows: older generations are read, and written as `gomlx-0.10`. */
export type Generation =
  /** v0.0.1 – v0.3.1: dtypes are numbers. */
  | "integer-dtypes"
  /** v0.4 – v0.7: params without type. */
  | "untyped-params"
  /** v0.8 – v0.9: typed params, `UInt8`. */
  | "uint-spelling"
  | Profile;
