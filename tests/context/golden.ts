import { GoParam, type ParamValue } from "../../src/context/mod.ts";

/** A value as the golden files print it: Go type, and text, bits or elements. */
export interface GoldenValue {
  readonly t: string;
  readonly v: null | boolean | string | readonly GoldenValue[] | { readonly [key: string]: GoldenValue };
  readonly bits?: string;
}

export interface GoldenParam {
  readonly scope: string;
  readonly key: string;
  readonly goType: string;
  readonly value: GoldenValue;
  readonly text: string;
}

export interface Golden {
  readonly saved: { readonly params: readonly GoldenParam[] };
  readonly loaded: { readonly params: readonly GoldenParam[] };
  readonly getParam?: { readonly [question: string]: { readonly found: boolean; readonly value: GoldenValue } };
}

/** `expected.json` of a case that GoMLX v0.19.4 wrote. */
export async function readExpected(name: string): Promise<Golden> {
  const file = new URL(`../golden/v0.19.4/${name}/expected.json`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(file));
}

/** The param that a golden value describes. */
export function goParamOf(value: GoldenValue): GoParam {
  return new GoParam(value.t, valueOf(value));
}

function valueOf({ t, v, bits }: GoldenValue): ParamValue {
  if (bits !== undefined) {
    const view = new DataView(Uint8Array.fromHex(bits).buffer);
    return t === "float32" ? view.getFloat32(0) : view.getFloat64(0);
  }
  if (/^u?int/.test(t) && typeof v === "string") {
    return Number.isSafeInteger(Number(v)) ? Number(v) : BigInt(v);
  }
  if (v === null || typeof v !== "object") return v;
  if (Array.isArray(v)) return v.map(valueOf);
  return Object.fromEntries(Object.entries(v).map(([key, element]) => [key, valueOf(element)]));
}
