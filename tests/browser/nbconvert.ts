import { basename, join } from "@std/path";
import { JUPYTERLAB } from "../../tools/notebooks/browser_setup.ts";
import type { Theme } from "../../tools/notebooks/lab_page.ts";

/** Makes pages of notebooks with nbconvert, without running them; gives their paths. */
export async function convertNotebooks(
  notebooks: readonly string[],
  theme: Theme,
  directory: string,
): Promise<string[]> {
  const args = ["--to", "html", "--theme", theme, "--output-dir", directory, ...notebooks];
  const { success, stderr } = await new Deno.Command(join(JUPYTERLAB, "bin", "jupyter-nbconvert"), {
    args,
    env: { HOME: directory, JUPYTER_CONFIG_DIR: directory },
    stdin: "null",
  }).output();
  if (!success) throw new Error(`nbconvert failed: ${new TextDecoder().decode(stderr)}`);
  return notebooks.map((path) => join(directory, basename(path).replace(/\.ipynb$/, ".html")));
}
