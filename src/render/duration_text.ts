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
