import { visible } from "../errors.ts";
import type { Place } from "./config_place.ts";

/** What a Config says of itself. */
export interface ConfigParts {
  /** Its Context, as text. */
  readonly context: string;
  /** Whether it was begun with `load`. */
  readonly mustExist: boolean;
  /** Where the checkpoints are, if that was said. */
  readonly place: Place | undefined;
  /** What else was said, in words. */
  readonly settings: readonly (string | undefined)[];
  /** What is wrong with it: `done()` will throw the first. */
  readonly errors: readonly string[];
}

/** A Config in one line: `load(Context "/") from dir "run" · keep 3: call done()`. */
export function configLine({ context, mustExist, place, settings, errors }: ConfigParts): string {
  const where = place === undefined ? "no place yet" : placeText(place);
  const said = [`${mustExist ? "load" : "build"}(${context})`, where, ...settings.filter((each) => each !== undefined)];
  const end = errors.length > 0 ? `; done() will throw: ${errors[0]}` : "; done() makes the Handler";
  return visible(`Config · ${said.join(" · ")}${end}`);
}

function placeText(place: Place): string {
  switch (place.kind) {
    case "dir":
      return `dir "${place.path}"`;
    case "temp":
      return "tempDir()";
    case "store":
      return `store "${place.store.label}"`;
    case "embed":
      return "fromEmbed()";
  }
}
