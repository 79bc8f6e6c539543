/**
 * Builds the native half of `npm:@tensorflow/tfjs-node@4.22.0` into `.cairn/tfjs_node`, from package registries alone:
 * TensorFlow's libraries and C headers are in a Python wheel, the addon's sources in the npm package. Linux on x86-64.
 * Takes a minute, 207 MB of download and 430 MiB of disk. Where its own installer may download from elsewhere, that
 * does as well: `deno install --allow-scripts=npm:@tensorflow/tfjs-node` with a `node_modules` directory.
 */

import { join } from "@std/path";
import { exists } from "@std/fs";
import { PROJECT_ROOT } from "./deno_process.ts";
import type { SetupOutcome, SetupStep } from "./setup_step.ts";
import { findToolTestFiles } from "./tool_test_files.ts";

/** Absolute path of the native library, whether it's there or not. */
export const TFJS_NODE_ADDON: string = join(PROJECT_ROOT, ".cairn", "tfjs_node", "tfjs_binding.node");

/** The set-up step. */
export const tfjsNode: SetupStep = { name: "tfjs-node", run: build };

const DIRECTORY = join(PROJECT_ROOT, ".cairn", "tfjs_node");
/** The recipe and the sizes of what it made, beside it; written last. */
const STAMP = join(DIRECTORY, "built-from.txt");
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
const ADDON = "tfjs_binding.node";

/** For CPython 3.11, whichever Python downloads it. */
const WHEEL = {
  requirement: "tensorflow-cpu==2.15.1",
  sha256: "54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26",
  target: [
    "--implementation",
    "cp",
    "--python-version",
    "3.11",
    "--abi",
    "cp311",
    "--platform",
    "manylinux2014_x86_64",
  ],
};
const PACKAGES = [
  {
    folder: "tfjs",
    name: "@tensorflow/tfjs-node@4.22.0",
    archive: "tensorflow-tfjs-node-4.22.0.tgz",
    sha256: "d38a448a705efc6e655a080f896b3af646ae39dffbfe9c90b06cb9fc3a2b9358",
  },
  {
    folder: "napi",
    name: "node-api-headers@1.9.0",
    archive: "node-api-headers-1.9.0.tgz",
    sha256: "6cbfac49542194ae2c8f1dee5fa2dc00d66bec9cbf3b59e3a4e5f16d14eb0d19",
  },
];
const COMPILE = [
  ...["-O2", "-std=c++17", "-fPIC", "-shared", "-DNAPI_VERSION=8", "-I", "tensorflow/include", "-I", "napi/include"],
  ...["tfjs/binding/tfjs_backend.cc", "tfjs/binding/tfjs_binding.cc", "-o", ADDON, "-L", "tensorflow"],
  ...[...LIBRARIES.map((library) => `-l:${library}`), "-Wl,-rpath,$ORIGIN"],
];
/** Of the wheel's 17,000 files, what is linked with and compiled against. */
const UNPACK = `
import glob, re, zipfile
wanted = re.compile(r"tensorflow/(libtensorflow_(cc|framework)\\.so\\.2"
                    r"|include/tensorflow/c/(eager/)?[a-z_]+\\.h"
                    r"|include/tensorflow/core/platform/ctstring\\w*\\.h"
                    r"|include/tsl/(c/tsl_status|platform/ctstring\\w*)\\.h)")
with zipfile.ZipFile(glob.glob("tensorflow_cpu-*.whl")[0]) as wheel:
    wheel.extractall(members=[name for name in wheel.namelist() if wanted.fullmatch(name)])
`;
const RECIPE = JSON.stringify([WHEEL, PACKAGES, COMPILE, UNPACK]);
/** How to see that a tool is there. */
const TOOLS: readonly (readonly [name: string, command: string[]])[] = [
  ["python3", ["python3", "--version"]],
  ["pip", ["python3", "-m", "pip", "--version"]],
  ["npm", ["npm", "--version"]],
  ["tar", ["tar", "--version"]],
  ["g++", ["g++", "--version"]],
];

async function build(report: (line: string) => void): Promise<SetupOutcome> {
  if (await isUpToDate()) return { kind: "up to date" };
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") {
    return await missing(`is not built here (${Deno.build.target})`);
  }
  for (const [name, command] of TOOLS) {
    const { success } = await run(command, PROJECT_ROOT);
    if (!success) return await missing(`cannot be built without ${name}`);
  }
  await Deno.mkdir(DIRECTORY, { recursive: true });
  using lock = await Deno.open(join(DIRECTORY, "lock"), { create: true, write: true });
  await lock.lock(true); // two set-ups at once: the second waits, and finds it done
  if (await isUpToDate()) return { kind: "up to date" };
  const work = join(DIRECTORY, "building");
  try {
    await makeEmpty(work);
    await download(work, report);
    await compile(work, report);
    await install(work);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    report(error.message);
    return await missing("could not be built (see above)");
  } finally {
    await remove(work);
  }
  return { kind: "done", what: `built ${TFJS_NODE_ADDON}` };
}

async function download(work: string, report: (line: string) => void): Promise<void> {
  report("downloading TensorFlow's libraries (207 MB)");
  await Deno.writeTextFile(join(work, "wheel.txt"), `${WHEEL.requirement} --hash=sha256:${WHEEL.sha256}\n`);
  const options = ["--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps", "--require-hashes"];
  const wheel = ["--only-binary=:all:", ...WHEEL.target, "--dest", ".", "--requirement", "wheel.txt"];
  await runOrFail(["python3", "-m", "pip", "download", ...options, ...wheel], work);
  report("unpacking them");
  await runOrFail(["python3", "-c", UNPACK], work);
  report("downloading the sources of tfjs-node's addon");
  for (const { folder, name, archive, sha256 } of PACKAGES) {
    await runOrFail(["npm", "pack", "--silent", name], work);
    await expectHash(join(work, archive), sha256);
    await Deno.mkdir(join(work, folder));
    await runOrFail(["tar", "xzf", archive, "-C", folder, "--strip-components=1"], work);
  }
}

async function compile(work: string, report: (line: string) => void): Promise<void> {
  const libraries = LIBRARIES.map((library) => `tensorflow/${library}`);
  // Without symbols they are 449 MB instead of 614; strip need not be there.
  await run(["strip", "--strip-unneeded", ...libraries], work);
  report("compiling the addon");
  await runOrFail(["g++", ...COMPILE], work);
}

async function install(work: string): Promise<void> {
  await remove(STAMP);
  for (const library of LIBRARIES) await Deno.rename(join(work, "tensorflow", library), join(DIRECTORY, library));
  await Deno.rename(join(work, ADDON), join(DIRECTORY, ADDON));
  await Deno.writeTextFile(STAMP, await describeBuild());
}

async function isUpToDate(): Promise<boolean> {
  return await exists(STAMP) && await Deno.readTextFile(STAMP) === await describeBuild();
}

async function describeBuild(): Promise<string> {
  const sizes = await Promise.all([...LIBRARIES, ADDON].map(async (name) => {
    const path = join(DIRECTORY, name);
    return await exists(path) ? `${name} ${(await Deno.stat(path)).size}` : `${name} missing`;
  }));
  return `${RECIPE}\n${sizes.join("\n")}\n`;
}

async function expectHash(path: string, wanted: string): Promise<void> {
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
  if (found !== wanted) throw new BuildError(`Cannot use "${path}": its SHA-256 is ${found}, wanted ${wanted}`);
}

/** A command failed; the message has what it said. */
class BuildError extends Error {}

async function runOrFail(command: readonly string[], cwd: string): Promise<void> {
  const { success, output } = await run(command, cwd);
  if (!success) throw new BuildError(`"${command.slice(0, 4).join(" ")} …" failed: ${output}`);
}

async function run(
  [name = "", ...args]: readonly string[],
  cwd: string,
): Promise<{ success: boolean; output: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(name, { args, cwd, stdin: "null" }).output();
    const output = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim()).join("\n").trim();
    return { success, output };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { success: false, output: `${name} is missing` };
    throw error;
  }
}

async function missing(why: string): Promise<SetupOutcome> {
  return { kind: "missing", tool: "tfjs-node", why, testFiles: await findToolTestFiles("tfjsNodeTest") };
}

async function makeEmpty(directory: string): Promise<void> {
  await remove(directory);
  await Deno.mkdir(directory, { recursive: true });
}

async function remove(path: string): Promise<void> {
  if (await exists(path)) await Deno.remove(path, { recursive: true });
}
