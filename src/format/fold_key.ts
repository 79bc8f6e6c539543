/**
 * Finds the field that Go's decoder would put a key into: the exact name, or the same letters in any case, where U+212A
 * counts as `k` and U+017F as `s`. Source: Go `encoding/json` `foldName`.
 */
export function keyFolder<Name extends string>(names: readonly Name[]): (key: string) => Name | undefined {
  const folded = new Map<string, Name>(names.map((name) => [fold(name), name]));
  // A handful of names are compared faster than a new string is hashed.
  return (key) => names.find((name) => name === key) ?? folded.get(fold(key));
}

/** `toLowerCase` makes `k` of U+212A already. */
function fold(key: string): string {
  return key.toLowerCase().replaceAll("\u017f", "s");
}
