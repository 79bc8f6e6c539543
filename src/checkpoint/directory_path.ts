import { ConfigError, messageOf, PermissionError, StoreError } from "../errors.ts";
import { DIR_PERM_MODE } from "../format/mod.ts";
import { fromFileUrl } from "@std/path/from-file-url";
import { isAbsolute } from "@std/path/is-absolute";
import { join } from "@std/path/join";

/** The path of a `file:` URL, or a path as it is; undefined for anything else. */
export function pathOf(path: unknown): string | undefined {
  const isText = typeof path === "string" && !path.startsWith("file:");
  if (isText) return path;
  const url = path instanceof URL ? path : typeof path === "string" ? URL.parse(path) : null;
  return url?.protocol === "file:" ? fromFileUrl(url) : undefined;
}

/** `path`, below `base` if it is relative; `~` at the start of either is the home directory. */
export function joinHome(base: string, path: string): string {
  const expanded = expandHome(path);
  return base === "" || isAbsolute(expanded) ? expanded : join(expandHome(base), expanded);
}

function expandHome(path: string): string {
  if (path !== "~" && !path.startsWith("~/")) return path;
  return join(homeDirectory(path), path.slice(1));
}

function homeDirectory(path: string): string {
  try {
    const home = Deno.env.get("HOME") || (Deno.build.os === "windows" ? Deno.env.get("USERPROFILE") : undefined);
    if (home) return home;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new PermissionError(`Cannot find the home directory for "${path}": run again with --allow-env=HOME`, {
      path,
      cause,
    });
  }
  throw new ConfigError(`Cannot find the home directory for "${path}": the variable HOME is not set`, { path });
}

/** Makes a new directory below `parent`; the last `*` of `pattern`, or its end, becomes random text. */
export async function makeTempDirectory(parent: string, pattern: string): Promise<string> {
  const star = pattern.lastIndexOf("*");
  const dir = joinHome("", parent);
  try {
    const path = await Deno.makeTempDir({
      ...(dir === "" ? {} : { dir }),
      prefix: star < 0 ? pattern : pattern.slice(0, star),
      suffix: star < 0 ? "" : pattern.slice(star + 1),
    });
    // As GoMLX does: whatever the umask, a group may work on a run together.
    if (Deno.build.os !== "windows") await Deno.chmod(path, DIR_PERM_MODE);
    return path;
  } catch (cause) {
    const where = dir === "" ? "the system's folder for temporary files" : `"${dir}"`;
    if (cause instanceof Deno.errors.NotCapable) {
      const flag = dir === "" ? "--allow-write" : `--allow-write=${dir}`;
      throw new PermissionError(`Cannot create a temporary directory in ${where}: run again with ${flag}`, { cause });
    }
    throw new StoreError(`Cannot create a temporary directory in ${where}: ${messageOf(cause)}`, { path: dir, cause });
  }
}
