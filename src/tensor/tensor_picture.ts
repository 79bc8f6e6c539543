import { type Block, formatNumber } from "../render/mod.ts";
import { kindOf } from "./dtype.ts";
import type { Statistics } from "./statistics.ts";
import type { Tensor } from "./tensor.ts";

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
