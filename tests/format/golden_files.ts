/** The checkpoints that real GoMLX wrote, as tests find them. */

/** One `.json` and `.bin` under `tests/golden`. */
export interface GoldenFile {
  /** `v0.27/params/checkpoint-…`, for messages. */
  readonly name: string;
  readonly version: string;
  readonly json: Uint8Array;
  readonly bin: Uint8Array;
}

export const GOLDEN = new URL("../golden/", import.meta.url);
export const VERSIONS = ["v0.19.4", "v0.27", "v0.28"] as const;

/** Every checkpoint below `tests/golden/<version>`, backups included. */
export function goldenFiles(): GoldenFile[] {
  return VERSIONS.flatMap((version) => filesIn(`${version}/`, version));
}

function filesIn(folder: string, version: string): GoldenFile[] {
  const files: GoldenFile[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, GOLDEN))) {
    if (isDirectory) files.push(...filesIn(`${folder}${name}/`, version));
    else if (name.startsWith("checkpoint-") && name.endsWith(".json")) {
      files.push(readGolden(`${folder}${name.slice(0, -5)}`, version));
    }
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Reads one checkpoint by its path without suffix. */
export function readGolden(name: string, version: string): GoldenFile {
  return {
    name,
    version,
    json: Deno.readFileSync(new URL(`${name}.json`, GOLDEN)),
    bin: Deno.readFileSync(new URL(`${name}.bin`, GOLDEN)),
  };
}
