import { keyFolder } from "../format/json.ts";
import { float64Text } from "../format/go_number.ts";
import { quoteGo } from "../format/json_text.ts";

/** One metric at one step. Source: GoMLX `plots.Point`. */
export interface PlotPoint {
  /** `Train: Moving Average Loss`, `Mean Loss on valid`. */
  readonly metricName: string;
  /** `T/~loss`, `#loss(val)`; "" in files from before GoMLX v0.11. */
  readonly short: string;
  /** Metrics of one type share an axis: `loss`, `accuracy`. */
  readonly metricType: string;
  /** The global step. */
  readonly step: number;
  /** What was measured; finite. */
  readonly value: number;
}

/** What a file of plot points says. */
export interface PlotPointsText {
  /** In the order of the file. */
  readonly points: readonly PlotPoint[];
  /** Numbers, from 1, of the lines of which something was left out since it is no plot point. */
  readonly badLines: readonly number[];
  /** Where the last point ends; what follows is blank, or torn. */
  readonly end: number;
  /** Whether the last line was torn: a crash or a full disk broke its writing off. */
  readonly torn: boolean;
}

/** One JSON object in a line, byte for byte as Go's `json.Encoder` writes a `plots.Point`. The value must be finite. */
export function plotPointLine(point: PlotPoint): string {
  const { metricName, short, metricType, step, value } = point;
  return `{"MetricName":${quoteGo(metricName)},"Short":${quoteGo(short)},"MetricType":${quoteGo(metricType)},` +
    `"Step":${float64Text(step)},"Value":${float64Text(value)}}\n`;
}

/** A JSON object without objects in it. Longer ones are no plot points: that bounds the search. */
const FLAT_OBJECT = /\{(?:[^"{}]|"(?:[^"\\\n]|\\.)*")*\}/y;
const MAX_LENGTH = 65_536;

/**
 * Reads a sequence of JSON objects with any white space between them. As in GoMLX, a key that is missing keeps the
 * value of the object before. What is no plot point is left out, where GoMLX refuses the whole file.
 *
 * Source: GoMLX `plots.LoadPoints`.
 */
export function parsePlotPoints(text: string): PlotPointsText {
  const points: PlotPoint[] = [];
  const badLines: number[] = [];
  const lineEnds = new Finder(text, "\n");
  const starts = new Finder(text, '{"MetricName":');
  let end = 0;
  let before: PlotPoint = { metricName: "", short: "", metricType: "", step: 0, value: 0 };
  for (let at = nextItem(text, 0); at < text.length; at = nextItem(text, at)) {
    const source = objectAt(text, at);
    const point = source === undefined ? undefined : pointOf(source, before);
    if (source !== undefined && point !== undefined) {
      points.push(before = point);
      end = at += source.length;
      continue;
    }
    // GoMLX appends to a torn line what it writes next: look for that in the rest of the line.
    const next = Math.min(starts.from(at + 1), lineEnds.from(at) + 1);
    const line = lineEnds.passed + 1;
    if (next > text.length) return { points, badLines: badLines.filter((each) => each !== line), end, torn: true };
    if (badLines.at(-1) !== line) badLines.push(line);
    at = next;
  }
  return { points, badLines, end, torn: false };
}

function nextItem(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\r\n".includes(text.charAt(at))) at++;
  return at;
}

function objectAt(text: string, at: number): string | undefined {
  FLAT_OBJECT.lastIndex = 0;
  return FLAT_OBJECT.exec(text.slice(at, at + MAX_LENGTH))?.[0];
}

const fieldOf = keyFolder(["MetricName", "Short", "MetricType", "Step", "Value"]);

function pointOf(source: string, before: PlotPoint): PlotPoint | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(source);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const point = { ...before };
  for (const [key, value] of Object.entries(parsed)) {
    const field = fieldOf(key);
    if (field === undefined || value === null) continue;
    if (field === "Step" || field === "Value") {
      if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
      point[field === "Step" ? "step" : "value"] = value;
    } else {
      if (typeof value !== "string") return undefined;
      point[field === "MetricName" ? "metricName" : field === "Short" ? "short" : "metricType"] = value;
    }
  }
  return point;
}

/** Finds a text again and again, further and further on, without searching any part twice. */
class Finder {
  /** How many lie before the one that was found last. */
  passed = 0;
  readonly #text: string;
  readonly #wanted: string;
  #found: number;

  constructor(text: string, wanted: string) {
    this.#text = text;
    this.#wanted = wanted;
    this.#found = this.#search(0);
  }

  /** The first one at `at` or later, Infinity if there is none; `at` is never less than before. */
  from(at: number): number {
    while (this.#found < at) {
      this.passed++;
      this.#found = this.#search(this.#found + 1);
    }
    return this.#found;
  }

  #search(from: number): number {
    const index = this.#text.indexOf(this.#wanted, from);
    return index < 0 ? Infinity : index;
  }
}
