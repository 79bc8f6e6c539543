import type { Entry, EntryResult, Manifest, ManifestDraft, PayloadHead } from "../../src/format/mod.ts";

/** The draft that writes a loaded manifest again; `fresh` forgets its spellings. */
export function draftOf(
  manifest: Manifest,
  head: PayloadHead,
  options: { extras: boolean; fresh?: boolean },
): ManifestDraft {
  const keeps = options.fresh !== true;
  return {
    profile: head.profile ?? manifest.profile,
    compression: manifest.binFormat === "gzip" ? "gzip" : "none",
    extras: options.extras,
    writer: "test",
    params: manifest.params.map((each) => ({ ...each, kept: keeps ? each : undefined })),
    entries: manifest.entries.map((each) => ({ ...each, trainable: true, kept: keeps ? each : undefined })),
    unknown: manifest.unknown,
  };
}

/** Results as if no byte had changed. */
export function unchanged(entries: readonly unknown[]): EntryResult[] {
  return entries.map(() => ({ crc32: 1234567890, bytesUnchanged: true }));
}

/** The entry of that parameter name. */
export function entryNamed(manifest: Manifest, parameterName: string): Entry {
  const found = manifest.entries.find((each) => each.parameterName === parameterName);
  if (found === undefined) throw new Error(`no entry "${parameterName}"`);
  return found;
}

/** A manifest's text with rows given as JavaScript values. */
export function manifestBytes(manifest: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(manifest));
}
