/** A float64 as Go's JSON encoder writes it. JavaScript's own text is the same, but for negative zero. */
export function float64Text(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/**
 * A float32 as Go's JSON encoder writes it: the fewest digits that no other float32 is nearer to. `value` must be a
 * float32 already.
 */
export function float32Text(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return float64Text(value);
  for (let digits = 1; digits < 9; digits++) {
    const nearest = value.toExponential(digits - 1);
    if (Math.fround(Number(nearest)) === value) return float64Text(Number(nearest));
    // Next to a power of two the float32s above lie twice as far apart as those below, so that the next decimal away
    // from zero may be read back as `value` although the nearest one is not.
    const further = nextDecimal(nearest);
    if (Math.fround(further) === value) return float64Text(further);
  }
  return float64Text(Number(value.toExponential(8)));
}

/** The decimal with the same number of digits that follows `text` away from zero. */
function nextDecimal(text: string): number {
  const [, sign, head, tail, exponent] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  const digits = BigInt(`${head}${tail ?? ""}`) + 1n;
  return Number(`${sign}${digits}e${Number(exponent) - (tail?.length ?? 0)}`);
}
