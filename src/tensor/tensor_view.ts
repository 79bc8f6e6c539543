import { type Block, flatTable, formatBytes, formatNumber, type View } from "../render/mod.ts";
import { kindOf } from "./dtype.ts";
import { Statistics } from "./statistics.ts";
import { elementsText, STATISTICS_COLUMNS, statisticsCells, statisticsFlags } from "./statistics_view.ts";
import type { Tensor } from "./tensor.ts";
import type { TensorElement } from "./tensor_data.ts";
import { elementText } from "./tensor_text.ts";

/** What is looked at of a tensor that nobody has asked to be measured, in bytes. */
const GLANCE_BYTES = 64 * 1024 * 1024;
/** Elements at each end of an axis that is too long. */
const EDGE = 3;
/** Up to that many elements all are shown. */
const WHOLE = 100;
/** Of the values, as NumPy has it. */
const LINE_WIDTH = 75;

/** A tensor as a view: statistics, values with an ellipsis, a picture where there is one. */
export function tensorView(tensor: Tensor): View {
  tensor.data(); // a detached buffer throws here, and the error is shown
  const small = tensor.byteLength <= GLANCE_BYTES;
  const statistics = small ? tensor.statistics() : Statistics.of(tensor.dtype);
  const facts = [elementsText(tensor.size), formatBytes(tensor.byteLength), ...statisticsFlags(statistics)];
  const cells = statisticsCells(tensor.dtype, tensor.dimensions, small ? statistics : undefined);
  const figures = flatTable([{ title: "" }, ...STATISTICS_COLUMNS], [{
    path: "all elements",
    label: "all elements",
    cells,
  }]);
  const blocks: Block[] = [
    ...tensor.size > 1 ? [figures] : [],
    { kind: "text", text: valuesText(tensor) },
    ...small ? tensorPicture(tensor, statistics) : [],
  ];
  return { title: `Tensor ${tensor}`, facts, blocks };
}

/** The values as NumPy prints them: nested, aligned, long axes cut in the middle. */
export function valuesText(tensor: Tensor): string {
  const { dimensions, size } = tensor;
  if (size === 0) return "[]";
  const shown = dimensions.map((dimension) => indices(dimension, size <= WHOLE));
  const strides = dimensions.map((_, axis) => dimensions.slice(axis + 1).reduce((product, each) => product * each, 1));
  const texts = new Map<number, string>();
  const visit = (axis: number, at: number): void => {
    const list = shown[axis];
    if (list === undefined) texts.set(at, rounded(tensor.at(at)));
    else for (const index of list) if (index >= 0) visit(axis + 1, at + index * (strides[axis] ?? 1));
  };
  visit(0, 0);
  const width = Math.max(...texts.values().map((text) => text.length));
  const draw = (axis: number, at: number, indent: string): string => {
    const list = shown[axis];
    if (list === undefined) return (texts.get(at) ?? "").padStart(dimensions.length === 0 ? 0 : width);
    const items = list.map((index) =>
      index < 0 ? "…" : draw(axis + 1, at + index * (strides[axis] ?? 1), `${indent} `)
    );
    const inner = axis === dimensions.length - 1;
    if (inner) return `[${fill(items, LINE_WIDTH - indent.length - dimensions.length).join(`\n${indent} `)}]`;
    return `[${items.join(`\n${"\n".repeat(dimensions.length - axis - 2)}${indent} `)}]`;
  };
  return draw(0, 0, "");
}

/** Items in lines of at most `width`, if they fit at all. */
function fill(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + item.length > width) lines.push(item);
    else lines[lines.length - 1] = `${last} ${item}`;
  }
  return lines;
}

/** Positions along an axis that are shown; -1 is the ellipsis. */
function indices(dimension: number, whole: boolean): number[] {
  if (whole || dimension <= 2 * EDGE + 1) return Array.from({ length: dimension }, (_, index) => index);
  return [0, 1, 2, -1, dimension - 3, dimension - 2, dimension - 1];
}

function rounded(element: TensorElement): string {
  if (element === Infinity || element === -Infinity) return element > 0 ? "Inf" : "-Inf";
  if (typeof element !== "number" || Number.isInteger(element) || !Number.isFinite(element)) {
    return elementText(element);
  }
  const magnitude = Math.abs(element);
  return magnitude < 1e-4 || magnitude >= 1e6 ? element.toExponential(3) : element.toFixed(4);
}

/** Pixels of the longer side at most. */
const HEAT_PIXELS = 64;
const IMAGE_PIXELS = 112;
/** Shown pixels at most. */
const SHOWN = { width: 480, height: 256, zoom: 16 };

type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/** A tensor as a picture, if it is one: an image if its shape is `[height, width, 1 | 3 | 4]`, a heat map if rank 2. */
export function tensorPicture(tensor: Tensor, statistics: Statistics): Block[] {
  const [height = 0, width = 0, channels] = tensor.dimensions;
  if (kindOf(tensor.dtype) === "complex" || kindOf(tensor.dtype) === "bool") return [];
  if (tensor.dimensions.length === 2 && height > 1 && width > 1 && tensor.size >= 16) {
    return [heatMap(tensor, statistics, height, width)];
  }
  const isImage = tensor.dimensions.length === 3 && channels !== undefined && [1, 3, 4].includes(channels);
  if (!isImage || height < 4 || width < 4) return [];
  const top = tensor.dtype === "Uint8" ? 255 : 1;
  return statistics.min < 0 || statistics.max > top ? [] : [image(tensor, top, height, width, channels)];
}

/** Blue below zero, orange above; the less the more transparent, so that it looks right on light and on dark. */
function heatMap(tensor: Tensor, { min, max }: Statistics, height: number, width: number): Block {
  const most = Math.max(Math.abs(min), Math.abs(max)) || 1;
  return picture(
    height,
    width,
    HEAT_PIXELS,
    `blue ${formatNumber(-most)}, clear 0, orange ${formatNumber(most)}`,
    (y, x) => {
      const value = Number(tensor.at(y * width + x));
      if (!Number.isFinite(value)) return [229, 72, 77, 255];
      const alpha = Math.round(Math.min(1, Math.abs(value) / most) * 255);
      return value < 0 ? [59, 130, 246, alpha] : [217, 119, 6, alpha];
    },
  );
}

function image(tensor: Tensor, top: number, height: number, width: number, channels: number): Block {
  return picture(
    height,
    width,
    IMAGE_PIXELS,
    `as an image, ${channels === 1 ? "grey" : channels === 3 ? "RGB" : "RGBA"}`,
    (y, x) => {
      const part = (channel: number): number =>
        Math.round(Number(tensor.at((y * width + x) * channels + channel)) / top * 255);
      if (channels === 1) return [part(0), part(0), part(0), 255];
      return [part(0), part(1), part(2), channels === 4 ? part(3) : 255];
    },
  );
}

/** Of a larger one, single pixels at even distances. */
function picture(
  height: number,
  width: number,
  most: number,
  caption: string,
  colour: (y: number, x: number) => Rgba,
): Block {
  const shrink = Math.max(1, Math.max(height, width) / most);
  const rows = Math.max(1, Math.round(height / shrink));
  const columns = Math.max(1, Math.round(width / shrink));
  const pixels = new Uint8Array(rows * columns * 4);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const from = [Math.floor((y + 0.5) * height / rows), Math.floor((x + 0.5) * width / columns)] as const;
      pixels.set(colour(...from), (y * columns + x) * 4);
    }
  }
  const zoom = Math.max(1, Math.floor(Math.min(SHOWN.zoom, SHOWN.width / columns, SHOWN.height / rows)));
  const some = shrink > 1 ? `; ${rows} × ${columns} of ${height} × ${width} shown` : "";
  return {
    kind: "picture",
    pixels,
    columns,
    rows,
    width: columns * zoom,
    height: rows * zoom,
    caption: caption + some,
  };
}
