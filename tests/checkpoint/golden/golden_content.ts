/** Compares what we read with what real GoMLX had, bit by bit. */

import { assert, assertEquals, assertExists } from "@std/assert";
import { createHash } from "node:crypto";
import {
  type Checkpoint,
  type Context,
  GoParam,
  type Handler,
  isDType,
  type ParamValue,
  Tensor,
  type Variable,
} from "@cairn/checkpoints";
import type { GoldenContext, GoldenParam, GoldenVariable, TaggedValue } from "./golden_expected.ts";

/** A variable in comparable form: two of them are equal if all bits are. */
export interface Content {
  readonly label: string;
  readonly dtype: string;
  readonly dimensions: readonly number[];
  readonly sha256: string;
}

export function contentOf(scope: string, name: string, tensor: Tensor): Content {
  const { dtype, dimensions, bytes } = tensor;
  return { label: `${scope} ${name}`, dtype, dimensions, sha256: sha256(bytes) };
}

export function contentOfGolden(golden: GoldenVariable): Content {
  const { scope, name, dtype, dimensions, base64, length } = golden;
  if (base64 !== undefined) {
    const bytes = Uint8Array.fromBase64(base64);
    assertEquals([bytes.length, sha256(bytes)], [length, golden.sha256], "the golden file contradicts itself");
  }
  return { label: `${scope} ${name}`, dtype, dimensions, sha256: golden.sha256 };
}

/** A Context's variables in order of creation; reads them all. */
export function contentsOf(variables: Iterable<Variable>): Content[] {
  return Array.from(variables, (each) => contentOf(each.scope, each.name, each.value()));
}

/** What a handler has pending, without consuming it. */
export async function contentsOfPool(handler: Handler): Promise<Content[]> {
  const contents: Content[] = [];
  for (const [parameterName, pending] of handler.loadedVariables()) {
    const path = parameterName.slice("var:".length);
    const cut = path.lastIndexOf("/");
    contents.push(contentOf(path.slice(0, cut), path.slice(cut + 1), await pending.read()));
  }
  return contents;
}

/** All variables of a checkpoint, in file order. */
export async function contentsOfFile(checkpoint: Checkpoint): Promise<Content[]> {
  const tensors = [...(await checkpoint.readAll()).values()];
  assertEquals(tensors.length, checkpoint.variables.length);
  return checkpoint.variables.flatMap(({ scope, name }, index) => {
    const tensor = tensors[index];
    return tensor === undefined ? [] : [contentOf(scope, name, tensor)];
  });
}

/** A checkpoint's name without what the clock says. */
export function withoutTime(name: string): string {
  return name.replace(/-\d{8}-\d{6}-/, "-TIME-");
}

export function sorted(contents: readonly Content[]): Content[] {
  return contents.toSorted((a, b) => a.label < b.label ? -1 : a.label > b.label ? 1 : 0);
}

/** The same variables, in any order: Go's `Immediate` and pools have none. */
export function assertSameContents(ours: readonly Content[], golden: readonly GoldenVariable[], what: string): void {
  assertEquals(sorted(ours), sorted(golden.map(contentOfGolden)), what);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A tensor with the golden variable's bits. */
export function tensorOf({ dtype, dimensions, base64, parameterName }: GoldenVariable): Tensor {
  assert(isDType(dtype), dtype);
  assertExists(base64, `${parameterName} has no bytes in the golden file`);
  return new Tensor(dtype, dimensions, Uint8Array.fromBase64(base64));
}

/** A param as the file holds it: JSON text says less than a Go value. */
export interface ParamContent {
  readonly path: string;
  readonly goType: string;
  readonly value: ParamValue;
}

export function paramOf(scope: string, key: string, { goType, value }: GoParam): ParamContent {
  return { path: `${scope} ${key}`, goType, value: plain(value) };
}

export function paramsOf(context: Context): ParamContent[] {
  return context.params.map(({ scope, key, param }) => paramOf(scope, key, param));
}

/** Params as Go saved them; `loaded` are the same as Go read them back. */
export function paramsOfGolden(saved: readonly GoldenParam[], loaded: readonly GoldenParam[] = []): ParamContent[] {
  return saved.map((each) => paramOf(each.scope, each.key, goParamOf(each, loaded)));
}

/** By path; of several with one path the last counts, as when Go loads them. */
export function byPath(params: readonly ParamContent[]): Map<string, ParamContent> {
  return new Map(params.map((each) => [each.path, each]));
}

/** Objects without prototype compare unequal to plain ones, which is not the question here. */
function plain(value: ParamValue): ParamValue {
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map(plain);
  const entries = Object.entries(value).map(([key, each]): [string, ParamValue] => [key, plain(each)]);
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

function isList(value: ParamValue): value is readonly ParamValue[] {
  return Array.isArray(value);
}

/** Types whose JSON only Go knows: what it read back tells it. */
const OPAQUE: ReadonlySet<string> = new Set([
  "*int",
  "[]uint8",
  "dtypes.DType",
  "time.Time",
  "main.textNamed",
  "main.myText",
  "*main.myText",
  "shapes.Shape",
]);

/** The param that Go's param is in a file. */
export function goParamOf({ scope, key, value }: GoldenParam, loaded: readonly GoldenParam[]): GoParam {
  const readBack = loaded.findLast((each) => each.scope === scope && each.key === key)?.value;
  // A nil map looks empty in `saved`.
  const source = readBack !== undefined && (OPAQUE.has(value.t) || readBack.t === "<nil>") ? readBack : value;
  return new GoParam(value.t, valueOf(source));
}

/** A Go value as a param holds it. */
export function valueOf(tagged: TaggedValue): ParamValue {
  const { t, v, bits, base64 } = tagged;
  // Each byte that is not UTF-8 is written as U+FFFD.
  if (base64 !== undefined) return new TextDecoder().decode(Uint8Array.fromBase64(base64));
  if (bits !== undefined) {
    const view = new DataView(Uint8Array.fromHex(bits).buffer);
    return t === "float32" ? view.getFloat32(0) : view.getFloat64(0);
  }
  if (typeof v === "string" && t !== "string") {
    return Number.isSafeInteger(Number(v)) ? Number(v) : BigInt(v);
  }
  if (v === undefined || v === null || typeof v !== "object") return v ?? null;
  if (isTaggedList(v)) return v.map(valueOf);
  return Object.fromEntries(Object.entries(v).map(([key, each]) => [key, valueOf(each)]));
}

/** Deep equality that tells -0 from 0 and 1n from 1, as an answer. */
export function sameBits(a: unknown, b: unknown): boolean {
  return textOf(a) === textOf(b);
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each) => {
    if (typeof each === "bigint") return `${each}n`;
    return typeof each === "number" && (Object.is(each, -0) || !Number.isFinite(each)) ? `number ${each}` : each;
  });
}

function isTaggedList(v: TaggedValue["v"]): v is readonly TaggedValue[] {
  return Array.isArray(v);
}

/** Puts Go's variables, in their order, and params into a Context. */
export function rebuild(context: Context, saved: GoldenContext, loaded: GoldenContext): void {
  for (const each of saved.variables) {
    const variable = context.inAbsPath(each.scope).variableWithValue(each.name, tensorOf(each));
    variable.setTrainable(each.trainable ?? true);
  }
  for (const each of saved.params) {
    const { goType, value } = goParamOf(each, loaded.params);
    // Go writes the escape \ufffd for a byte that is not UTF-8, and so do we for what is not UTF-16.
    const exact = each.value.base64 === undefined ? value : String(value).replaceAll("\ufffd", "\ud800");
    context.inAbsPath(each.scope).setParam(each.key, new GoParam(goType, exact));
  }
}
