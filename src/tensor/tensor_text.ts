import type { TensorElement } from "./tensor_data.ts";

/** Elements shown before the rest is "…". */
const SHOWN = 16;

/** What the text needs of a tensor. */
interface Elements {
  readonly dimensions: readonly number[];
  readonly size: number;
  at(index: number): TensorElement;
}

/** The first elements in one short line, `[[1 2] [3 4]]`; reads at most 16 elements, whatever the tensor's size. */
export function tensorText(tensor: Elements): string {
  if (tensor.size === 0) return "empty";
  let next = 0;
  return textFrom(0);

  function textFrom(axis: number): string {
    const dimension = tensor.dimensions[axis];
    if (dimension === undefined) return elementText(tensor.at(next++));
    const parts: string[] = [];
    for (let i = 0; i < dimension && next < SHOWN; i++) parts.push(textFrom(axis + 1));
    if (parts.length < dimension) parts.push("…");
    return `[${parts.join(" ")}]`;
  }
}

/** One element, with up to six digits. */
export function elementText(element: TensorElement): string {
  if (typeof element === "number") return numberText(element);
  if (typeof element !== "object") return String(element);
  const im = numberText(element.im);
  return `${numberText(element.re)}${im.startsWith("-") ? "" : "+"}${im}i`;
}

function numberText(x: number): string {
  if (Object.is(x, -0)) return "-0";
  return Number.isInteger(x) && Math.abs(x) < 1e15 ? String(x) : String(Number(x.toPrecision(6)));
}
