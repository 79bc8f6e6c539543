/**
 * Builds the Go programs of `tests/gomlx`, which run real GoMLX, once for each of its versions:
 * `.cairn/gomlx/<version>/{verify,golden,errors}`, and `train` and `digits` where the version has them.
 *
 * The programs are written once, in `tests/gomlx/programs`, against a package `api` that each version's folder has.
 */

import { join, relative } from "@std/path";
import { exists } from "@std/fs";
import { PROJECT_ROOT } from "./deno_process.ts";
import type { SetupOutcome, SetupStep } from "./setup_step.ts";

/** The folders under `tests/gomlx`, each a generation of GoMLX's files: v0.19.4, v0.27.3 and v0.28.2. */
export const GOMLX_VERSIONS = ["v0.19.4", "v0.27", "v0.28"] as const;
/** One of {@linkcode GOMLX_VERSIONS}. */
export type GomlxVersion = typeof GOMLX_VERSIONS[number];

/** A program of `tests/gomlx`; `train` is there for v0.19.4 and v0.27, `digits` for v0.19.4. */
export type GomlxProgram = "verify" | "golden" | "errors" | "train" | "digits";

/** Absolute path of a built program, whether it's there or not. */
export function gomlxProgramPath(version: GomlxVersion, program: GomlxProgram): string {
  return join(builtDirectory(version), Deno.build.os === "windows" ? `${program}.exe` : program);
}

/** The set-up step. */
export const gomlxPrograms: SetupStep = { name: "GoMLX programs", run: buildAll };

const SOURCES = join(PROJECT_ROOT, "tests", "gomlx");
/** The hash of what the programs were built from, beside them; written last. */
const STAMP = "built-from.txt";
/** Programs of 10 MB instead of 15; and the same bytes wherever the project is. */
const BUILD_ARGS = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"];

async function buildAll(report: (line: string) => void): Promise<SetupOutcome> {
  const go = await runGo(["version"], SOURCES);
  if (go === undefined) return missing("is missing");
  let built = 0;
  for (const version of GOMLX_VERSIONS) {
    const hash = await hashSources(version, go.stdout);
    if (await readStamp(version) === hash) continue;
    report(`building for GoMLX ${version} (up to a minute the first time)`);
    const failure = await build(version);
    if (failure !== undefined) {
      report(failure);
      return missing(`could not build the programs for GoMLX ${version} (see above)`);
    }
    await Deno.writeTextFile(join(builtDirectory(version), STAMP), hash);
    built++;
  }
  return built === 0 ? { kind: "up to date" } : { kind: "done", what: `built for ${built} versions of GoMLX` };
}

async function build(version: GomlxVersion): Promise<string | undefined> {
  const directory = builtDirectory(version);
  if (await exists(directory)) await Deno.remove(directory, { recursive: true });
  await Deno.mkdir(directory, { recursive: true });
  const source = join(SOURCES, version);
  const packages = ["cairn.test/gomlx/cmd/..."];
  for (const own of ["train", "digits"]) {
    if (await exists(join(source, own))) packages.push(`./${own}`);
  }
  const go = await runGo([...BUILD_ARGS, "-o", directory, ...packages], source);
  return go?.success ? undefined : go?.stderr.trim() ?? "go is missing";
}

interface GoResult {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Gives `undefined` if there is no `go`. */
async function runGo(args: string[], cwd: string): Promise<GoResult | undefined> {
  try {
    // GOWORK: a user's own setting would hide the version's go.work
    const command = new Deno.Command("go", { args, cwd, env: { GOWORK: "" }, stdin: "null" });
    const { success, stdout, stderr } = await command.output();
    return { success, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function missing(why: string): Promise<SetupOutcome> {
  return { kind: "missing", tool: "go", why, testFiles: await findTestFiles() };
}

/** The files whose tests are made by `gomlxTest()`. */
async function findTestFiles(): Promise<string[]> {
  const found: string[] = [];
  for (const file of await listFiles(join(PROJECT_ROOT, "tests"))) {
    if (!file.endsWith("_test.ts")) continue;
    if (/\bgomlxTest\(/.test(await Deno.readTextFile(file))) found.push(relative(PROJECT_ROOT, file));
  }
  return found;
}

async function hashSources(version: GomlxVersion, goVersion: string): Promise<string> {
  const files = [...await listFiles(join(SOURCES, "programs")), ...await listFiles(join(SOURCES, version))];
  const parts = await Promise.all(
    files.map(async (file) => `${relative(SOURCES, file)}\n${await Deno.readTextFile(file)}`),
  );
  const text = [goVersion, BUILD_ARGS.join(" "), ...parts].join("\0");
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

/** Every file below the directory, sorted, so that a hash over them is stable. */
async function listFiles(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) files.push(...await listFiles(path));
    else files.push(path);
  }
  return files.sort();
}

async function readStamp(version: GomlxVersion): Promise<string | undefined> {
  const path = join(builtDirectory(version), STAMP);
  return await exists(path) ? await Deno.readTextFile(path) : undefined;
}

function builtDirectory(version: GomlxVersion): string {
  return join(PROJECT_ROOT, ".cairn", "gomlx", version);
}
