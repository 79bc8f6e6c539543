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
