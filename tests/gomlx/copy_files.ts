import { join } from "@std/path";

/** Copies the files of a directory, without its folders, into one that is there. */
export async function copyFiles(from: string, to: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(from)) {
    if (isFile) await Deno.copyFile(join(from, name), join(to, name));
  }
}
