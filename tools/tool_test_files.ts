import { join, relative } from "@std/path";
import { PROJECT_ROOT } from "./deno_process.ts";

/** The test files, from the project's root, that register tests with `register`, as in `gomlxTest`; sorted. */
export async function findToolTestFiles(register: string): Promise<string[]> {
  const call = new RegExp(`\\b${register}\\(`);
  const found: string[] = [];
  for (const file of await listTestFiles(join(PROJECT_ROOT, "tests"))) {
    if (call.test(await Deno.readTextFile(file))) found.push(relative(PROJECT_ROOT, file));
  }
  return found.sort();
}

async function listTestFiles(directory: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) files.push(...await listTestFiles(path));
    else if (entry.name.endsWith("_test.ts")) files.push(path);
  }
  return files;
}
