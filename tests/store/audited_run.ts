import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { Outcome } from "./operation_outcome.ts";
import { TemporaryDirectory } from "./temporary_directory.ts";

/** What a process did. */
export interface AuditedRun {
  readonly outcomes: readonly Outcome[];
  /** What the runtime's audit says was asked for. */
  readonly touched: readonly { readonly permission: string; readonly value: string }[];
}

/** Runs a script that calls `printOutcomes`, in a process of its own with exactly these flags. */
export async function auditedRun(
  script: URL,
  flags: readonly string[],
  directory: string,
  operations: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<AuditedRun> {
  await using logs = await TemporaryDirectory.make();
  const log = `${logs.path}/audit.jsonl`;
  const { PATH = "", DENO_DIR = "", HOME = "" } = Deno.env.toObject();
  const own = { PATH, ...(DENO_DIR === "" ? {} : { DENO_DIR }), HOME };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: options.cwd ?? Deno.cwd(),
    args: ["run", "--no-prompt", "--cached-only", ...flags, fromFileUrl(script), directory, ...operations],
    clearEnv: true,
    env: { ...own, DENO_AUDIT_PERMISSIONS: log, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...options.env },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const audit = await Deno.readTextFile(log).catch(() => "");
  return { outcomes: linesOf(new TextDecoder().decode(stdout)), touched: linesOf(audit) };
}

function linesOf<T>(text: string): T[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
