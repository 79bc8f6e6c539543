/**
 * Room `render`: how things are drawn: numbers, tables, small pictures, as HTML for notebooks and as text; progress.
 * Knows nothing of checkpoints.
 *
 * @module
 */
export {
  drawable,
  type InspectOptions,
  type JupyterBundle,
  jupyterBundle,
  viewBundle,
  viewInspected,
} from "./jupyter_bundle.ts";
export {
  durationText,
  formatBytes,
  formatCount,
  formatItems,
  formatNumber,
  formatPercent,
  shorten,
} from "./short_text.ts";
export type { KernelDisplay, KernelDisplayOptions } from "./kernel_display.ts";
export type { OnProgress, Progress } from "./progress.ts";
export { showProgress, type ShowProgressOptions, watched, watchWork, type WorkWatch } from "./show_progress.ts";
export {
  rateOf,
  RecentRate,
  RENDER_STATUS_OPTIONS,
  renderStatus,
  type RenderStatusOptions,
  type Status,
  type StatusFact,
  type WorkState,
  workStatus,
} from "./status.ts";
export { STATUS_LINE_OPTIONS, StatusLine, type StatusLineOptions } from "./status_line.ts";
export {
  type Block,
  type Cell,
  type Chart,
  type Chip,
  type Column,
  type Fact,
  flatTable,
  GLYPHS,
  type Group,
} from "./view.ts";
export type { Mark, Row, TableBlock, View } from "./view.ts";
export { mergeBars, type TextColumn, type TextOptions, textTable, viewLine, viewText } from "./view_text.ts";
export { display, type DisplayOptions } from "./display.ts";
