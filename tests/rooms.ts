/** Keeps the house plan: which room of `src/` may import which, and that `mod.ts` needs no npm package. */

import { dirname, join } from "@std/path";

/** Source texts by their path from the project's root, with `/`. */
export type SourceFiles = ReadonlyMap<string, string>;

/** From the first floor up: a room may import those before it, never those after it. */
export const ROOMS = [
  "errors",
  "options",
  "render",
  "tensor",
  "context",
  "format",
  "store",
  "testing",
  "backend",
  "checkpoint",
  "train",
  "tfjs",
  "cli",
] as const;

/** Rooms that know less than their place would allow. */
const KNOWS_ONLY: Readonly<Record<string, readonly string[]>> = {
  options: ["errors"],
  render: ["errors", "options"],
  store: ["errors", "options"],
  testing: ["errors", "options", "store"],
};

/** One line for each import in `src/` that points the wrong way, or out of `src/`. */
export function findWrongImports(files: SourceFiles): string[] {
  const problems: string[] = [];
  for (const [path, source] of files) {
    if (!path.startsWith("src/")) continue;
    const room = roomOf(path);
    if (!isRoom(room)) {
      problems.push(`${path}: "${room}" is no room of src/`);
      continue;
    }
    for (const specifier of listImports(source)) {
      const problem = checkImport(path, room, specifier);
      if (problem !== undefined) problems.push(`${path}: imports "${specifier}": ${problem}`);
    }
  }
  return problems;
}

/**
 * One line for each npm package that the entry or a file that it imports asks for, types and dynamic imports counted.
 * `imports` is the import map, whose names may stand for npm packages.
 */
export function findNpmImports(entry: string, files: SourceFiles, imports: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  const seen = new Set([entry]);
  for (const path of seen) {
    const source = files.get(path);
    if (source === undefined) {
      problems.push(`${path}: does not exist`);
      continue;
    }
    for (const specifier of listImports(source)) {
      if (specifier.startsWith(".")) seen.add(resolveFrom(path, specifier));
      else if (isNpm(specifier, imports)) problems.push(`${path}: imports the npm package "${specifier}"`);
    }
  }
  return problems;
}

/** What is loaded before the entry's first line runs: what it imports, but for types and for `import()`. */
export function findLoaded(entry: string, files: SourceFiles): string[] {
  const loaded = new Set([entry]);
  for (const path of loaded) {
    for (const specifier of listLoaded(files.get(path) ?? "")) {
      loaded.add(specifier.startsWith(".") ? resolveFrom(path, specifier) : specifier);
    }
  }
  return [...loaded].sort();
}

function listLoaded(source: string): string[] {
  const code = withoutComments(source);
  const named = [...code.matchAll(/^(?:import|export)\s+(?!type\b)([\w$\s{},*]*?)\s*\bfrom\s*"([^"]+)"/gm)];
  const loaded = named.filter(([, names = ""]) => {
    const list = names.replace(/[{}]/g, "").split(",").map((name) => name.trim()).filter((name) => name !== "");
    return list.some((name) => !name.startsWith("type "));
  });
  const bare = code.matchAll(/^import()\s*"([^"]+)"/gm);
  return [...loaded, ...bare].map(([, , specifier = ""]) => specifier);
}

/**
 * Every specifier that a source imports or exports from: static, type-only, for side effects, dynamic with a literal.
 * Relies on `deno fmt`: a static import starts its line. Comments do not count.
 */
export function listImports(source: string): string[] {
  const code = withoutComments(source);
  const patterns = [
    /^(?:import|export)\s[\w$\s{},*]*?\bfrom\s*["']([^"']+)["']/gm,
    /^(?:import|export)\s*\{[\w$\s,*]*\}\s*from\s*["']([^"']+)["']/gm,
    /^import\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["'`]([^"'`]+)["'`]/g,
  ];
  const found = patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ""));
  return [...new Set(found)];
}

function withoutComments(source: string): string {
  return source.split("\n").filter((line) => !/^\s*(\/\/|\/\*|\*)/.test(line)).join("\n");
}

function checkImport(path: string, room: string, specifier: string): string | undefined {
  if (specifier.startsWith("@cairn/checkpoints")) return "src imports its own files by their path";
  if (!specifier.startsWith(".")) return undefined;
  const target = resolveFrom(path, specifier);
  if (!target.startsWith("src/")) return "src imports nothing outside src";
  const targetRoom = roomOf(target);
  if (targetRoom === room) return undefined;
  if (!isRoom(targetRoom)) return `"${targetRoom}" is no room of src/`;
  const known = KNOWS_ONLY[room] ?? ROOMS.slice(0, orderOf(room));
  return known.some((name) => name === targetRoom) ? undefined : `"${room}" may not know "${targetRoom}"`;
}

/** `src/store/store.ts` is in `store`, `src/errors.ts` is `errors`. */
function roomOf(path: string): string {
  return path.split("/")[1]?.replace(/\.ts$/, "") ?? "";
}

function isRoom(name: string): boolean {
  return orderOf(name) >= 0;
}

function orderOf(name: string): number {
  return ROOMS.findIndex((room) => room === name);
}

function resolveFrom(path: string, specifier: string): string {
  return join(dirname(path), specifier).replaceAll("\\", "/");
}

function isNpm(specifier: string, imports: Readonly<Record<string, string>>): boolean {
  if (specifier.startsWith("npm:")) return true;
  return Object.entries(imports).some(([name, target]) =>
    target.startsWith("npm:") && (specifier === name || specifier.startsWith(name.endsWith("/") ? name : `${name}/`))
  );
}
