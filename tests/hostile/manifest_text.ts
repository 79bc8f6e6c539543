/** Manifests as text, so that a case can hold anything in any place. */

/** One row of `Variables`; each field is JSON text, and undefined leaves the key out. */
export interface RowText {
  readonly ParameterName?: string | undefined;
  readonly Dimensions?: string | undefined;
  readonly DType?: string | undefined;
  readonly Pos?: string | undefined;
  readonly Length?: string | undefined;
  readonly [key: string]: string | undefined;
}

/** One row of `Params`, in the same way. */
export interface ParamText {
  readonly Scope?: string | undefined;
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
  readonly ValueType?: string | undefined;
  readonly [key: string]: string | undefined;
}

/** Four float32s. */
export const WEIGHTS: RowText = {
  ParameterName: '"var:/layer/weights"',
  Dimensions: "[2, 2]",
  DType: '"Float32"',
  Pos: "0",
  Length: "16",
};
/** An int64 after them. */
export const STEP: RowText = {
  ParameterName: '"var://global_step"',
  Dimensions: "null",
  DType: '"Int64"',
  Pos: "16",
  Length: "8",
};
export const RATE: ParamText = { Scope: '"/"', Key: '"learning_rate"', Value: "0.5", ValueType: '"float64"' };

/** The payload of {@linkcode WEIGHTS} and {@linkcode STEP}: 1, 2, 3, 4 and 7. */
export function goodPayload(): Uint8Array {
  const bytes = new Uint8Array(24);
  new Float32Array(bytes.buffer, 0, 4).set([1, 2, 3, 4]);
  new BigInt64Array(bytes.buffer, 16, 1).set([7n]);
  return bytes;
}

/** A manifest of these rows; `more` are further members of the top level. */
export function manifestText(
  rows: readonly RowText[] = [WEIGHTS, STEP],
  params: readonly ParamText[] = [RATE],
  more: Readonly<Record<string, string>> = {},
): string {
  return objectText({ Params: listText(params), Variables: listText(rows), ...more });
}

function listText(rows: readonly Readonly<Record<string, string | undefined>>[]): string {
  return `[${rows.map(objectText).join(",\n")}]`;
}

function objectText(members: Readonly<Record<string, string | undefined>>): string {
  const texts = Object.entries(members).flatMap(([key, value]) =>
    value === undefined ? [] : [`${JSON.stringify(key)}: ${value}`]
  );
  return `{${texts.join(", ")}}`;
}
