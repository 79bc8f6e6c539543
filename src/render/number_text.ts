const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** A size in bytes with its binary unit: `0 B`, `17 B`, `1.5 KiB`, `512 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits).replace(/\.0+$/, "")} ${UNITS[unit]}`;
}

/** A count and what is counted: `1 variable`, `1 234 variables`. */
export function formatItems(count: number, item: string): string {
  return `${formatCount(count)} ${item}${count === 1 ? "" : "s"}`;
}

/** A whole number with thin grouping: `1 234 567` (narrow no-break spaces), exact for bigint. */
export function formatCount(count: number | bigint): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/**
 * A number as a table shows it, with about four digits: `0.0213`, `-1.2e-4`, `12.3`, `1 234 567`; `—` for NaN, which
 * stands for "there is none".
 */
export function formatNumber(x: number): string {
  const magnitude = Math.abs(x);
  if (Number.isNaN(x)) return "—";
  if (magnitude === Infinity) return x > 0 ? "Inf" : "-Inf";
  if (Number.isInteger(x) && magnitude < 1e7) return formatCount(x);
  if (magnitude < 1e-3 || magnitude >= 1e5) return x.toExponential(1).replace("e+", "e");
  return x.toFixed(magnitude < 10 ? 3 : magnitude < 100 ? 2 : magnitude < 1000 ? 1 : 0);
}

/** A share with its sign: `0 %`, `0.031 %`, `2.8 %`, `140 %`. */
export function formatPercent(share: number): string {
  if (!Number.isFinite(share)) return "—";
  const percent = share * 100;
  if (percent === 0) return "0 %";
  if (Math.abs(percent) < 0.001) return `${percent.toExponential(1)} %`;
  return `${Number(percent.toPrecision(percent >= 100 ? 3 : 2))} %`;
}
