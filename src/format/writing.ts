/**
 * What only a save needs of this room: it is loaded with the first one.
 *
 * @module
 */
export { encodeManifest } from "./encode_manifest.ts";
export { stringifyGo } from "./json_text.ts";
export { checkDraft, layoutDraft } from "./manifest_draft.ts";
