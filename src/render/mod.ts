/**
 * Room `render`: how things are drawn: numbers, text tables, progress. Knows nothing of checkpoints.
 *
 * @module
 */
export { formatBytes, formatCount, formatItems } from "./number_text.ts";
export type { OnProgress, Progress } from "./progress.ts";
export { type TextColumn, textTable } from "./text_table.ts";
