/** A JSON value that keeps number texts and the order of keys. */
export type JsonNode = null | boolean | string | JsonNumber | JsonObject | readonly JsonNode[];

/** A key and its value. */
export type JsonMember = readonly [key: string, value: JsonNode];

/** A number as it is written: `1.0`, `1e3` and 9007199254740993 stay what they are. */
export class JsonNumber {
  /** JSON text; in `Exact` texts also `NaN`, `+Inf` and `-Inf`. */
  readonly text: string;

  /** Takes the text as it is. */
  constructor(text: string) {
    this.text = text;
  }
}

/** An object: its members in the order of the text, duplicates included. */
export class JsonObject {
  /** The members. */
  readonly members: readonly JsonMember[];

  /** Takes the members as they are. */
  constructor(members: readonly JsonMember[]) {
    this.members = members;
  }
}

const NOTHING: readonly JsonMember[] = Object.freeze([]);

/** The members of an object as a decoder has them: of each key the last value. */
export function lastOfEachKey(members: readonly JsonMember[]): readonly JsonMember[] {
  if (members.length === 0) return NOTHING;
  return members.length === 1 ? members : Array.from(new Map(members));
}

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
