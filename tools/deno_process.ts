/** Runs the same Deno that runs this script, in the project's root, with an environment in which its output is stable. */

import { fromFileUrl } from "@std/path";

/** Absolute path of the project's root directory. */
export const PROJECT_ROOT: string = fromFileUrl(new URL("..", import.meta.url));

/** Runs Deno with the arguments, its output going to ours; gives its exit code. */
export async function runDeno(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: PROJECT_ROOT,
    clearEnv: true,
    env: { ...stableEnvironment(), ...env },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await process.status).code;
}

/** Ours, without what changes Deno's messages: RUST_BACKTRACE adds a backtrace to every error. */
function stableEnvironment(): Record<string, string> {
  const { RUST_BACKTRACE: _, ...rest } = Deno.env.toObject();
  return { ...rest, DENO_NO_UPDATE_CHECK: "1" };
}
