import { fromFileUrl, relative, toFileUrl } from "@std/path";
import { runDeno } from "./deno_run.ts";
import { type PackageFiles, writeFolder } from "../../tools/package_files.ts";

/** Line and column, from 0. */
type Position = readonly [line: number, column: number];

/** A dependency as JSR tells it. */
export interface Dependency {
  readonly type: "static" | "dynamic";
  readonly kind?: "import" | "importType";
  /** As it is written in the source. */
  readonly argument?: string;
  readonly specifier?: string;
  readonly specifierRange?: readonly [start: Position, end: Position];
  readonly argumentRange?: readonly [start: Position, end: Position];
}

/** A module as JSR tells it. */
export interface ModuleInfo {
  readonly dependencies?: readonly Dependency[];
  /** What its `@ts-self-types` names. */
  readonly selfTypesSpecifier?: { readonly text: string; readonly range: readonly [start: Position, end: Position] };
}

/** `moduleGraph2` of a version: each module, with a leading `/`, and what it imports. */
export type ModuleGraph = Readonly<Record<string, ModuleInfo>>;

/** The part of `deno info --json` that is read. */
interface DenoInfo {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly DenoDependency[];
    readonly typesDependency?: { readonly specifier: string; readonly dependency: Resolution };
  }[];
}

interface DenoDependency {
  readonly specifier: string;
  readonly isDynamic?: boolean;
  readonly code?: Resolution;
  readonly type?: Resolution;
}

interface Resolution {
  readonly error?: string;
  readonly span?: { readonly start: DenoPosition; readonly end: DenoPosition };
}

interface DenoPosition {
  readonly line: number;
  readonly character: number;
}

/** Imports the exports, so that one run of Deno sees all of them. No file of a package may be called so. */
const ENTRY = "registry-entry.ts";

/**
 * Parses, with Deno, everything that the exports import. Throws where JSR would refuse the package: a module that is
 * not in it, or that does not parse; a specifier that is neither relative, `node:`, nor `jsr:` or `npm:` with a version.
 */
export async function readModuleGraph(files: PackageFiles, exports: readonly string[]): Promise<ModuleGraph> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "cairn-registry-" }));
  try {
    const entry = exports.map((path) => `import ${JSON.stringify(path)};\n`).join("");
    await writeFolder(folder, new Map([...files, [ENTRY, new TextEncoder().encode(entry)]]));
    return graphOf(await readInfo(folder), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function readInfo(folder: string): Promise<DenoInfo> {
  // as JSR does: without the package's config (no import map), and other packages are not looked into
  const args = ["info", "--json", "--no-config", "--no-lock", "--no-remote", "--no-npm", ENTRY];
  const { success, stdout, stderr } = await runDeno(args, { cwd: folder });
  if (!success) throw new Error(stderr);
  return JSON.parse(stdout);
}

function graphOf(info: DenoInfo, folder: string): ModuleGraph {
  const graph: Record<string, ModuleInfo> = {};
  const root = toFileUrl(folder).href + "/";
  for (const { specifier, error, dependencies = [], typesDependency: types } of info.modules) {
    if (!specifier.startsWith("file:")) continue;
    if (!specifier.startsWith(root)) throw new Error(`Cannot publish: "${specifier}" is outside of the package`);
    const path = relative(folder, fromFileUrl(specifier)).replaceAll("\\", "/");
    if (error !== undefined) throw new Error(`Cannot publish "${path}": ${error.replaceAll(root, "")}`);
    if (path === ENTRY) continue;
    const listed = dependencies.map((dependency) => describe(path, dependency));
    graph[`/${path}`] = {
      ...(listed.length === 0 ? {} : { dependencies: listed }),
      ...(types &&
        { selfTypesSpecifier: { text: types.specifier, range: rangeOf(path, types.specifier, types.dependency) } }),
    };
  }
  return graph;
}

function describe(path: string, { specifier, isDynamic, code, type }: DenoDependency): Dependency {
  const isAllowed = /^(\.\.?\/|node:)/.test(specifier) || /^(jsr|npm):\/?(@[^/@]+\/)?[^/@]+@[^/]/.test(specifier);
  if (!isAllowed) {
    throw new Error(
      `Cannot publish "${path}": it imports "${specifier}"; wanted ./…, node:…, or jsr: or npm: with a version`,
    );
  }
  const range = rangeOf(path, specifier, code ?? type);
  if (isDynamic) return { type: "dynamic", argument: specifier, argumentRange: range };
  return { type: "static", kind: code === undefined ? "importType" : "import", specifier, specifierRange: range };
}

function rangeOf(path: string, specifier: string, resolution: Resolution | undefined): readonly [Position, Position] {
  const { span } = resolution ?? {};
  if (span === undefined) throw new Error(`Cannot publish "${path}": "${specifier}" is nowhere in it`);
  return [[span.start.line, span.start.character], [span.end.line, span.end.character]];
}
