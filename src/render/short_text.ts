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

/** Milliseconds for people, with at most two units: `85 µs`, `1.2 ms`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function durationText(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return "?";
  if (milliseconds < 1) return `${Math.round(milliseconds * 1e3)} µs`;
  if (milliseconds < 1e3) return `${Number(milliseconds.toPrecision(2))} ms`;
  const seconds = Math.round(milliseconds / 1e3);
  if (milliseconds < 9950) return `${(milliseconds / 1e3).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** At most `length` characters, the middle left out; names in files may have 64 KiB. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const chars = [...text];
  if (chars.length <= length) return text;
  const tail = Math.floor((length - 1) / 2);
  return `${chars.slice(0, length - 1 - tail).join("")}…${chars.slice(chars.length - tail).join("")}`;
}
