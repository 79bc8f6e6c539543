import { join } from "@std/path";
import { exists } from "@std/fs";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";

/** Where everything of the peers is installed. */
export const PEERS_DIRECTORY: string = join(PROJECT_ROOT, ".cairn", "peers");

/** A place with what peers need, made by their own ecosystem's tools. */
export interface Environment {
  readonly name: string;
  /** Commands that make it, each run in its directory, which is empty at first. */
  readonly commands: readonly (readonly string[])[];
  /** Environment variables of the commands. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Thrown when an environment cannot be made; the message says why. */
export class InstallError extends Error {}

/** The environment's directory. */
export function directoryOf({ name }: Environment): string {
  return join(PEERS_DIRECTORY, name);
}

/** Makes the environment, unless it was made by the same commands before. */
export async function install(environment: Environment, report: (line: string) => void): Promise<void> {
  const directory = directoryOf(environment);
  const stamp = join(directory, "installed-by.json");
  const recipe = JSON.stringify(environment);
  if (await exists(stamp) && await Deno.readTextFile(stamp) === recipe) return;
  if (await exists(directory)) await Deno.remove(directory, { recursive: true });
  await Deno.mkdir(directory, { recursive: true });
  for (const command of environment.commands) {
    report(`${environment.name}: ${command.join(" ").slice(0, 100)}`);
    await runOrFail(command, directory, environment.variables ?? {});
  }
  await Deno.writeTextFile(stamp, recipe);
}

/** A Python environment of its own; each list is what one `pip install` gets. */
export function pythonEnvironment(name: string, ...installs: readonly (readonly string[])[]): Environment {
  const pip = ["bin/python", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"];
  return { name, commands: [["python3", "-m", "venv", "."], ...installs.map((each) => [...pip, ...each])] };
}

/** bench/peers/gomlx, built with the GoMLX of tests/gomlx/`version`. */
export function gomlxEnvironment(version: string): Environment {
  const source = join(PROJECT_ROOT, "bench", "peers", "gomlx");
  return {
    name: `gomlx-${version}`,
    commands: [[
      "go",
      "build",
      "-C",
      source,
      "-trimpath",
      "-buildvcs=false",
      "-o",
      join(PEERS_DIRECTORY, `gomlx-${version}`, "gomlx"),
      ".",
    ]],
    variables: { GOWORK: join(source, `${version}.work`) },
  };
}

async function runOrFail(
  [name = "", ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const program = name.includes("/") ? join(cwd, name) : name;
  try {
    const { success, stderr } = await new Deno.Command(program, { args, cwd, env, stdin: "null" }).output();
    if (!success) throw new InstallError(`${name} failed: ${new TextDecoder().decode(stderr).trim().slice(-400)}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new InstallError(`${name} is missing`);
    throw error;
  }
}
