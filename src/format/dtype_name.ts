import { type DType, DTYPES } from "../tensor/dtype.ts";
import type { Profile } from "./profile.ts";

/** Versions before v0.28 spell the packed dtypes so, and know no others. */
const SHORT_PACKED: ReadonlyMap<string, DType> = new Map([
  ["S4", "Int4"],
  ["U4", "Uint4"],
  ["S2", "Int2"],
  ["U2", "Uint2"],
]);
const PACKED: ReadonlySet<DType> = new Set<DType>(["Int4", "Uint4", "Int2", "Uint2", "Int1", "Uint1"]);

/** GoMLX looks a name up as it is, then in lower case: `UInt8` (v0.4 – v0.9) and `FLOAT32` are found too. */
const BY_LOWER_NAME: ReadonlyMap<string, DType> = new Map([
  ...DTYPES.map((dtype): [string, DType] => [dtype.toLowerCase(), dtype]),
  ...Array.from(SHORT_PACKED, ([name, dtype]): [string, DType] => [name.toLowerCase(), dtype]),
]);

/** Numbers in files of v0.0.1 – v0.3.1. Later versions number differently, but never write numbers. */
const BY_CODE: ReadonlyMap<number, DType> = new Map([
  [1, "Bool"],
  [2, "Int8"],
  [3, "Int16"],
  [4, "Int32"],
  [5, "Int64"],
  [6, "Uint8"],
  [7, "Uint16"],
  [8, "Uint32"],
  [9, "Uint64"],
  [10, "Float16"],
  [11, "Float32"],
  [12, "Float64"],
  [15, "Complex64"],
  [16, "BFloat16"],
  [18, "Complex128"],
]);

/** The dtype that a manifest's name means; undefined for unknown ones and those that no tensor can have. */
export function dtypeFromName(name: string): DType | undefined {
  return BY_LOWER_NAME.get(name.toLowerCase());
}

/** The dtype that a number of v0.0.1 – v0.3.1 means. */
export function dtypeFromCode(code: number): DType | undefined {
  return BY_CODE.get(code);
}

/** How a profile spells a dtype; undefined if it has no name for it. Source: GoMLX `dtypes.DType.MarshalText`. */
export function dtypeSpelling(profile: Profile, dtype: DType): string | undefined {
  if (profile === "gomlx-0.28" || !PACKED.has(dtype)) return dtype;
  if (profile === "gomlx-0.10") return undefined;
  return Array.from(SHORT_PACKED).find(([, each]) => each === dtype)?.[0];
}

/** Whether only v0.28 spells a dtype so. */
export function isLongPackedName(name: string): boolean {
  const dtype = dtypeFromName(name);
  return dtype !== undefined && PACKED.has(dtype) && !SHORT_PACKED.has(name.toUpperCase());
}
