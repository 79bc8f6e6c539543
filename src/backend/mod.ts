/**
 * Where means are computed: on the host, or by tfjs.
 *
 * @module
 */

export type { Backend, OwnMean } from "./backend.ts";
export { hostBackend } from "./host_backend.ts";
export { tfjsBackend, type TfjsLike, type TfjsTensor } from "./tfjs_backend.ts";
