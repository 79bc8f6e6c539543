/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One plot with two logarithmic axes. */
export interface Plot {
  readonly title: string;
  readonly xText: (x: number) => string;
  readonly yText: (y: number) => string;
  readonly series: readonly Series[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [440, 300, 64, 110, 34, 44];
/** Distinguishable without red and green, on white and on black. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/** The plots as SVG, two in a row. A dotted grey line through the first series' last point has slope 1: linear growth. */
export function growthSvg(plots: readonly Plot[]): string {
  const rows = Math.ceil(plots.length / 2);
  const size = `width="${2 * WIDTH}" height="${rows * HEIGHT}" viewBox="0 0 ${2 * WIDTH} ${rows * HEIGHT}"`;
  const drawn = plots.map((plot, index) => {
    const at = `translate(${(index % 2) * WIDTH} ${Math.floor(index / 2) * HEIGHT})`;
    return `<g transform="${at}">\n${plotText(plot)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

function plotText({ title, xText, yText, series }: Plot): string {
  const points = series.flatMap((each) => each.points);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const x = logScale(Math.min(...xs), Math.max(...xs), LEFT, WIDTH - RIGHT);
  const y = logScale(10 ** Math.floor(Math.log10(Math.min(...ys))), Math.max(...ys) * 1.2, HEIGHT - BOTTOM, TOP);
  const bottom = HEIGHT - BOTTOM;
  const xTicks = [...new Set(xs)].map((value) =>
    `<path d="M${x(value)} ${bottom}v4" stroke="#555"/>` +
    `<text x="${x(value)}" y="${bottom + 16}" text-anchor="middle">${xText(value)}</text>`
  );
  const yTicks = powersOfTen(Math.min(...ys), Math.max(...ys)).map((value) =>
    `<path d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}" stroke="#ddd"/>` +
    `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${yText(value)}</text>`
  );
  return [
    `<text x="${LEFT}" y="18" font-size="13" font-weight="bold">${title}</text>`,
    ...yTicks,
    ...xTicks,
    `<path d="M${LEFT} ${TOP}V${bottom}H${WIDTH - RIGHT}" fill="none" stroke="#555"/>`,
    ...series.map((each, index) => seriesText(each, COLOURS[index % COLOURS.length] ?? "#000", x, y, index)),
    linearText(series[0], x, y),
  ].join("\n");
}

function seriesText(
  { name, points }: Series,
  colour: string,
  x: (value: number) => number,
  y: (value: number) => number,
  index: number,
): string {
  const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(" ");
  const legend = `<rect x="${WIDTH - RIGHT + 8}" y="${TOP + 18 * index}" width="10" height="10" fill="${colour}"/>` +
    `<text x="${WIDTH - RIGHT + 23}" y="${TOP + 18 * index + 9}">${name}</text>`;
  const dots = points.map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="2.5" fill="${colour}"/>`);
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>\n${dots.join("")}\n${legend}`;
}

function linearText(first: Series | undefined, x: (value: number) => number, y: (value: number) => number): string {
  const [from, to] = [first?.points[0], first?.points.at(-1)];
  if (from === undefined || to === undefined) return "";
  const start = to[1] * from[0] / to[0];
  const clip = Math.max(start, 10 ** Math.floor(Math.log10(Math.min(...(first?.points ?? []).map(([, py]) => py)))));
  const startX = to[0] * clip / to[1];
  return `<path d="M${x(startX)} ${y(clip)}L${x(to[0])} ${
    y(to[1])
  }" stroke="#888" stroke-dasharray="2 3" fill="none"/>`;
}

function logScale(min: number, max: number, from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log10(min), Math.log10(max)];
  return (value) => Number((from + (to - from) * (Math.log10(value) - low) / (high - low)).toFixed(1));
}

function powersOfTen(min: number, max: number): number[] {
  const [first, last] = [Math.floor(Math.log10(min)), Math.floor(Math.log10(max))];
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}
