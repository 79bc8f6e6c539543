/** Cairn's side of a comparison with what GoMLX holds, written apart from the spelling rules in src. */

import { assertEquals } from "@std/assert";
import { build, type Checkpoint, type Context, type DType, type Profile, Tensor } from "../../mod.ts";
import type { Random } from "../tensor/random.ts";
import type { GomlxVariable, GomlxVersion } from "./gomlx.ts";

/** What is written: a generation of GoMLX's files, raw or compressed. */
export interface Style {
  readonly profile: Profile;
  readonly codec: "none" | "gzip";
  /** Default true. */
  readonly extras?: boolean;
}

/** Every style there is, and which versions of GoMLX it is meant for. */
export const STYLES: readonly (Style & { readonly readers: readonly GomlxVersion[] })[] = [
  { profile: "gomlx-0.10", codec: "none", readers: ["v0.19.4", "v0.27"] },
  { profile: "gomlx-0.25", codec: "none", readers: ["v0.19.4", "v0.27"] },
  { profile: "gomlx-0.25", codec: "gzip", readers: ["v0.27"] },
  { profile: "gomlx-0.28", codec: "none", readers: ["v0.28"] },
  { profile: "gomlx-0.28", codec: "gzip", readers: ["v0.28"] },
];

/** The style in which a version of GoMLX writes by itself. */
export const OWN_STYLE: Readonly<Record<GomlxVersion, Style>> = {
  "v0.19.4": { profile: "gomlx-0.10", codec: "none" },
  "v0.27": { profile: "gomlx-0.25", codec: "gzip" },
  "v0.28": { profile: "gomlx-0.28", codec: "gzip" },
};

/** `gomlx-0.25 gzip`, for the names of tests. */
export function styleText({ profile, codec, extras = true }: Style): string {
  return `${profile} ${codec === "gzip" ? "gzip" : "raw"}${extras ? "" : " without extras"}`;
}

/** A test that expects silence fails on any report. */
export function unexpected(report: string): void {
  throw new Error(`unexpected report: ${report}`);
}

/** Saves the Context as a new checkpoint in a directory. */
export async function saveIn(directory: string, ctx: Context, style: Style): Promise<Checkpoint> {
  const { profile, codec, extras = true } = style;
  const config = build(ctx).dir(directory).profile(profile).compress(codec).extras(extras).onWarning(unexpected);
  await using handler = await config.done();
  return await handler.save();
}

/** A tensor of random bits, NaNs and all. */
export function randomTensor(random: Random, dtype: DType, dimensions: readonly number[]): Tensor {
  const { byteLength } = Tensor.zeros(dtype, dimensions);
  const bytes = random.bytes(byteLength);
  return new Tensor(dtype, dimensions, dtype === "Bool" ? bytes.map((byte) => byte & 1) : bytes);
}

/** How a reader names what it found. */
export interface GoNaming {
  /** Root variables are `var:/x`: a v0.28 file, as v0.28 sees it or as its names lie in the pool. */
  readonly singleSlashRoot?: boolean;
  /** Packed dtypes are `S4` …. */
  readonly shortPacked?: boolean;
}

/** Naming of a version that reads a profile. */
export function namingOf(reader: GomlxVersion, profile: Profile, lazy: boolean): GoNaming {
  return {
    singleSlashRoot: profile === "gomlx-0.28" && (lazy || reader === "v0.28"),
    shortPacked: reader !== "v0.28",
  };
}

/** Asserts that GoMLX holds exactly what the Context does, bit by bit. */
export async function assertGoHolds(
  held: readonly GomlxVariable[],
  ctx: Context,
  naming: GoNaming = {},
): Promise<void> {
  const rows: GoRow[] = [];
  for (const variable of ctx.iterVariables()) {
    const { scope, name } = variable;
    rows.push(await goRow(scope, name, await variable.load(), naming));
  }
  assertEquals(goRows(held), sorted(rows));
}

/** The part of what GoMLX holds that does not depend on how it got it, sorted. */
export function goRows(held: readonly GomlxVariable[]): GoRow[] {
  return sorted(held.map(({ parameterName, scope, name, dtype, dimensions, sha256 }) => {
    return { parameterName, scope, name, dtype, dimensions, sha256 };
  }));
}

/** A variable in a comparison. */
export interface GoRow {
  readonly parameterName: string;
  readonly scope: string;
  readonly name: string;
  readonly dtype: string;
  readonly dimensions: readonly number[];
  readonly sha256: string;
}

async function goRow(scope: string, name: string, tensor: Tensor, naming: GoNaming): Promise<GoRow> {
  const { dtype, dimensions, bytes } = tensor;
  return {
    parameterName: scope === "/" && naming.singleSlashRoot ? `var:/${name}` : `var:${scope}/${name}`,
    scope,
    name,
    dtype: naming.shortPacked ? dtype.replace(/^Int([24])$/, "S$1").replace(/^Uint([24])$/, "U$1") : dtype,
    dimensions,
    sha256: new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())).toHex(),
  };
}

function sorted(rows: readonly GoRow[]): GoRow[] {
  return rows.toSorted((a, b) => a.parameterName < b.parameterName ? -1 : 1);
}
