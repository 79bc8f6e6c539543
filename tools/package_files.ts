import { dirname, join, relative } from "@std/path";

/** The files of a package by path, with `/` and without a leading one. */
export type PackageFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** Reads a folder with all below it, except what `isLeftOut` names by its path from the folder. */
export async function readFolder(
  folder: string,
  isLeftOut: (path: string) => boolean = () => false,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  await addFolder(folder);
  return files;

  async function addFolder(current: string): Promise<void> {
    for await (const entry of Deno.readDir(current)) {
      const absolute = join(current, entry.name);
      const path = relative(folder, absolute).replaceAll("\\", "/");
      if (isLeftOut(path)) continue;
      if (entry.isDirectory) await addFolder(absolute);
      else files.set(path, await Deno.readFile(absolute));
    }
  }
}

/** Writes the files below the folder. */
export async function writeFolder(folder: string, files: PackageFiles): Promise<void> {
  const folders = new Set(Array.from(files.keys(), (path) => dirname(join(folder, path))));
  for (const each of folders) await Deno.mkdir(each, { recursive: true });
  for (const [path, bytes] of files) await Deno.writeFile(join(folder, path), bytes);
}
