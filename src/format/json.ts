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
