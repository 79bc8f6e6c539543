/** A directory of a test, by real path; it goes with its content when the test's block ends. */
export class TemporaryDirectory implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<TemporaryDirectory> {
    return new TemporaryDirectory(await Deno.realPath(await Deno.makeTempDir({ prefix: "cairn-store-" })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Makes a symlink; `Deno.symlink` would need unscoped permissions. */
export async function symlink(target: string, path: string): Promise<void> {
  const { success } = await new Deno.Command("ln", { args: ["-s", target, path] }).output();
  if (!success) throw new Error(`ln -s ${target} ${path} failed`);
}

/** The names in a directory, hidden ones too, sorted. */
export function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}
