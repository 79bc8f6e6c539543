import { fromFileUrl } from "@std/path/from-file-url";
import { join } from "@std/path/join";
import { resolve } from "@std/path/resolve";
import { NotFoundError, PermissionError } from "../errors.ts";
import { HOW_TO_INSTALL, smallestFlags } from "./tfjs_node_advice.ts";

const FILE_NAME = "tfjs_binding.node";
const IN_PACKAGE = join("node_modules", "@tensorflow", "tfjs-node", "lib", "napi-v8", FILE_NAME);
/** Where the folders are from which the package may be taken, in a project's folder; the second is Deno's own layout. */
const IN_PROJECT = [IN_PACKAGE, join("node_modules", ".deno", "@tensorflow+tfjs-node@4.22.0", IN_PACKAGE)];
const IN_SETUP = join(".cairn", "tfjs_node", FILE_NAME);
const VARIABLE = "CAIRN_TFJS_NODE";

/**
 * Absolute path of tfjs-node's native library. What the option or else the variable asks for is taken, or nothing is.
 * Other places are passed over, without a prompt, if they may not be read.
 */
export async function findTfjsAddon(option: string | undefined): Promise<string> {
  const asked = option ?? await readVariable();
  if (asked !== undefined) return await takeAsked(resolve(asked), option === undefined ? VARIABLE : "options.addon");
  const places = listPlaces();
  const closed: string[] = [];
  for (const path of places) {
    const { state } = await Deno.permissions.query({ name: "read", path });
    if (state !== "granted") closed.push(path);
    else if (await isThere(path)) return path;
  }
  const looked = `looked for ${places.map((path) => `"${path}"`).join(", ")}`;
  if (closed.length === 0) throw notFound(looked);
  throw new PermissionError(
    `Cannot find tfjs-node's native library: ${looked}, of which ${closed.length} may not be read; run again with ` +
      `--allow-read=${closed.join(",")}, or name the library by { addon }; if it is nowhere: ${HOW_TO_INSTALL}`,
  );
}

async function readVariable(): Promise<string | undefined> {
  const { state } = await Deno.permissions.query({ name: "env", variable: VARIABLE });
  return state === "granted" ? Deno.env.get(VARIABLE) || undefined : undefined;
}

async function takeAsked(path: string, askedBy: string): Promise<string> {
  try {
    if (await isThere(path)) return path;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new PermissionError(`Cannot read "${path}", which ${askedBy} names: run again with ${smallestFlags(path)}`, {
      path,
      cause,
    });
  }
  throw notFound(`nothing is at "${path}", which ${askedBy} names`, path);
}

function listPlaces(): string[] {
  const here = Deno.cwd();
  const places = [...IN_PROJECT, IN_SETUP].map((path) => join(here, path));
  // Cairn's own checkout; a package from JSR has none.
  if (import.meta.url.startsWith("file:")) places.push(join(fromFileUrl(new URL("../..", import.meta.url)), IN_SETUP));
  return [...new Set(places)];
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

function notFound(what: string, path?: string): NotFoundError {
  return new NotFoundError(`Cannot find tfjs-node's native library: ${what}; ${HOW_TO_INSTALL}`, { path });
}
