import { SLICE_BYTES } from "./work.ts";

/** Reads every file below the directory: afterwards the operating system has them in memory. */
export async function warm(directory: string): Promise<void> {
  const buffer = new Uint8Array(SLICE_BYTES);
  for (const path of await listFiles(directory)) {
    using file = await Deno.open(path);
    while (file.readSync(buffer) !== null);
  }
}

/** Has the operating system forget every file below the directory; gives why that did not work, or undefined. */
export async function drop(directory: string): Promise<string | undefined> {
  for (const path of await listFiles(directory)) {
    // With a count of 0 it advises that the whole file is not needed; its bytes must be on the disk for that.
    await run("dd", [`of=${path}`, "conv=notrunc,fsync", "oflag=nocache", "count=0"]);
    const cached = Number(await run("fincore", ["--bytes", "--noheadings", "--output=RES", path]));
    if (cached > 0) return `the operating system kept ${cached} bytes of "${path}"`;
  }
  return undefined;
}

async function listFiles(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) found.push(...await listFiles(path));
    else found.push(path);
  }
  return found;
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}
