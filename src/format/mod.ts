/**
 * GoMLX's checkpoint bytes: file names, manifest (`.json`), payload (`.bin`), in every version and in the profiles that
 * are written. Pure functions: nothing here opens a file.
 *
 * @module
 */
export {
  BACKUP_DIR,
  type BaseName,
  BIN_DATA_SUFFIX,
  compareBaseNames,
  DIR_PERM_MODE,
  formatBaseName,
  JSON_NAME_SUFFIX,
  nextCounter,
  parseBaseName,
} from "./base_name.ts";
export { crc32, expectCrc32 } from "./crc32.ts";
export { combineCrc32, type Crc32Part } from "./combine_crc32.ts";
export type { EncodedManifest, EntryResult } from "./encode_manifest.ts";
export { inflatePayload, inflatePayloadSync } from "./inflate.ts";
export { type JsonMember, type JsonNode, JsonNumber, JsonObject } from "./json.ts";
export { NewerVersionError } from "./extras.ts";
export { EXTRAS_KEY } from "./extras_key.ts";
export { type Entry, findEntry, hasPlainEntries, type Manifest, type ParamEntry, parseManifest } from "./manifest.ts";
export type { EntryDraft, Layout, ManifestDraft, ParamDraft } from "./manifest_draft.ts";
export { MAX_MANIFEST_BYTES } from "./limits.ts";
export { type Metrics, NO_METRICS } from "./metrics.ts";
export { formatParameterName, parseParameterName } from "./parameter_name.ts";
export { paramFromJson, paramToJson, type ReadParam, type WrittenParam } from "./param_value.ts";
export { parseJson, type ParseJsonOptions } from "./parse_json.ts";
export { checkPayload, detectPayload, PAYLOAD_HEAD_BYTES, type PayloadHead, payloadHeader } from "./payload.ts";
export type { Generation, Profile } from "./profile.ts";
export { nodeZlib } from "./node_zlib.ts";
export { type Compression, runSegmentJob, type SegmentJob, segmentWorkerSource } from "./segment_codec.ts";
export { type PlannedSegment, planSegments, type Segment } from "./segments.ts";
