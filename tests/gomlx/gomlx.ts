/**
 * Tests that ask real GoMLX what it reads in a checkpoint and what it writes.
 *
 * The Go programs are built by `deno task setup`; see tools/gomlx_programs.ts.
 */

import { type GomlxProgram, gomlxProgramPath, type GomlxVersion } from "../../tools/gomlx_programs.ts";
import { type NeededTool, toolTest } from "../needs_tool.ts";
import { parseVerifyReport, type VerifyReport } from "./verify_report.ts";

export type { GomlxOutcome, GomlxParam, GomlxVariable, VerifyReport } from "./verify_report.ts";
export { GOMLX_VERSIONS, type GomlxVersion } from "../../tools/gomlx_programs.ts";

/** How `verify` loads. */
export interface VerifyOptions {
  /** Do not load at once: the report's `pool` then holds what was not asked for. */
  readonly lazy?: boolean;
  /** `TakeMean(n)`; -1 is the mean of all. */
  readonly takeMean?: number;
  /** Base path of a pair to load with `FromEmbed` instead of a directory. */
  readonly embed?: string;
  /** Directory into which GoMLX saves what it loaded. */
  readonly resave?: string;
}

/** What `verify` printed. */
export interface Verified {
  /** 0, or 2 if GoMLX could not load. */
  readonly exitCode: number;
  readonly report: VerifyReport;
}

/** How long and how often `train` trains; see its source for the defaults. */
export interface TrainOptions {
  readonly steps: number;
  readonly every: number;
  readonly keep?: number;
}

/** Real GoMLX of one version. */
export class Gomlx {
  constructor(readonly version: GomlxVersion) {}

  /** Loads a checkpoint directory and tells what GoMLX read. */
  async verify(directory: string, options: VerifyOptions = {}): Promise<Verified> {
    const args: string[] = [];
    if (options.lazy) args.push("-lazy");
    if (options.takeMean !== undefined) args.push("-take-mean", String(options.takeMean));
    if (options.embed !== undefined) args.push("-embed", options.embed);
    if (options.resave !== undefined) args.push("-resave", options.resave);
    const { code, stdout, stderr } = await this.run("verify", [...args, directory]);
    if (code !== 0 && code !== 2) throw new Error(`Cannot verify "${directory}": exit code ${code}: ${stderr}`);
    return { exitCode: code, report: parseVerifyReport(stdout) };
  }

  /** Trains a small model in the directory, or goes on with the one that is there; v0.19.4 and v0.27 only. */
  async train(directory: string, { steps, every, keep = 3 }: TrainOptions): Promise<void> {
    const numbers = ["-steps", String(steps), "-every", String(every), "-keep", String(keep)];
    const { code, stderr } = await this.run("train", ["-expected=false", "-dir", directory, ...numbers]);
    if (code !== 0) throw new Error(`Cannot train in "${directory}": exit code ${code}: ${stderr}`);
  }

  /** Runs one of the programs; see their sources for the arguments. */
  async run(program: GomlxProgram, args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const command = new Deno.Command(gomlxProgramPath(this.version, program), { args, stdin: "null" });
    const { code, stdout, stderr } = await command.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }
}

/** Registers a test that needs real GoMLX; see {@linkcode toolTest} for where there is none. */
export function gomlxTest(
  name: string,
  version: GomlxVersion,
  fn: (gomlx: Gomlx, t: Deno.TestContext) => void | Promise<void>,
): void {
  toolTest(name, gomlxTool(version), (t) => fn(new Gomlx(version), t));
}

/** Real GoMLX as a tool that may be missing; `deno task setup` is what makes it, given `go`. */
export function gomlxTool(version: GomlxVersion): NeededTool {
  return { name: `go (GoMLX ${version}, built by deno task setup)`, isThere: () => isBuilt(version) };
}

function isBuilt(version: GomlxVersion): boolean {
  try {
    return Deno.statSync(gomlxProgramPath(version, "verify")).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
