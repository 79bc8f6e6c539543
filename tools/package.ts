/**
 * `deno task package`: makes the folder that is published, `.cairn/package`: the sources, and beside them `dist/`, the
 * same code in few files. These are what is loaded, since a hundred modules take longer to load than to run; types and
 * documentation come from the sources.
 */

import { join, relative } from "@std/path";
import { exists } from "@std/fs";
import { PROJECT_ROOT } from "./deno_process.ts";
import { type PackageFiles, readFolder, writeFolder } from "./package_files.ts";

/** Where the task makes the package. */
export const PACKAGE_FOLDER: string = join(PROJECT_ROOT, ".cairn", "package");

/** The part of `deno.json` that is read or changed. */
interface ProjectConfig {
  readonly exports: Readonly<Record<string, string>>;
  /** The stand-ins for std, which are not published but without which the rest does not resolve. */
  readonly workspace: readonly string[];
  readonly publish: { readonly include: readonly string[] };
}

const DIST = "dist";

if (import.meta.main) {
  await makePackage(PROJECT_ROOT, PACKAGE_FOLDER);
  console.log(`package: made in ${relative(Deno.cwd(), PACKAGE_FOLDER)}: run "deno publish" there`);
}

/**
 * Makes the package of the project `from` in the folder `to`, whatever was there before.
 *
 * Needs `--allow-read`, `--allow-write=<to>` and `--allow-run=<deno>`. Throws an Error with what `deno bundle` says.
 */
export async function makePackage(from: string, to: string): Promise<void> {
  if (await exists(to)) await Deno.remove(to, { recursive: true });
  const config: ProjectConfig = JSON.parse(await Deno.readTextFile(join(from, "deno.json")));
  await writeFolder(to, await readSources(from, config));
  const entries = Object.values(config.exports);
  await bundle(to, entries);
  for (const entry of entries) await pointToTypes(to, entry);
  await Deno.writeTextFile(join(to, "deno.json"), JSON.stringify(packageConfig(config), undefined, 2) + "\n");
}

/** What `publish.include` names, and what is needed to resolve it. */
async function readSources(from: string, { publish, workspace }: ProjectConfig): Promise<PackageFiles> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const path of publish.include.filter((path) => !path.includes("*"))) {
    files.set(path, await Deno.readFile(join(from, path)));
  }
  for (const folder of ["src", ...workspace]) {
    for (const [path, bytes] of await readFolder(join(from, folder))) files.set(`${folder}/${path}`, bytes);
  }
  return files;
}

/** Writes `dist/`: for each entry a file of the same path, for what is shared or loaded late a file of its own. */
async function bundle(folder: string, entries: readonly string[]): Promise<void> {
  // std stays std: it is not our code, and here it may be the stand-in
  const external = ["node:*", "npm:*", "@std/*"].map((pattern) => `--external=${pattern}`);
  const args = ["bundle", "--quiet", "--code-splitting", ...external, `--outdir=${DIST}`, ...entries];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: folder,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) throw new Error(`Cannot make the package: deno ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

async function pointToTypes(folder: string, entry: string): Promise<void> {
  const path = bundledPath(entry);
  const up = "../".repeat(path.split("/").length - 2);
  const code = await Deno.readTextFile(join(folder, path));
  await Deno.writeTextFile(join(folder, path), `// @ts-self-types="${up}${entry.replace("./", "")}"\n${code}`);
}

function packageConfig(config: ProjectConfig): ProjectConfig {
  const exports = Object.entries(config.exports).map(([name, entry]) => [name, bundledPath(entry)]);
  const include = [...config.publish.include, `${DIST}/**/*.js`];
  return { ...config, exports: Object.fromEntries(exports), publish: { ...config.publish, include } };
}

/** `./src/a.ts` is bundled into `./dist/src/a.js`. */
function bundledPath(entry: string): string {
  return entry.replace("./", `./${DIST}/`).replace(/\.ts$/, ".js");
}
