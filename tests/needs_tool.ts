/** A tool that a test needs and that not every machine has. */
export interface NeededTool {
  /** As it is named in the report, for example `go`. */
  readonly name: string;
  /** Tells whether the test can run. */
  isThere(): boolean;
}

/**
 * Registers a test that needs a tool. Where the tool is missing the test is reported as
 * `not run: <test name>: <tool> is missing` and counts as skipped; with `CI=true` it fails.
 */
export function toolTest(name: string, tool: NeededTool, fn: (t: Deno.TestContext) => void | Promise<void>): void {
  if (tool.isThere()) {
    Deno.test(name, fn);
    return;
  }
  const line = notRunLine(name, tool);
  if (Deno.env.get("CI") === "true") {
    Deno.test(name, () => {
      throw new Error(line);
    });
    return;
  }
  report(line);
  Deno.test({ name, ignore: true, fn });
}

/** What is printed for a test that cannot run. */
export function notRunLine(name: string, tool: NeededTool): string {
  return `not run: ${name}: ${tool.name} is missing`;
}

/** `deno task test` collects the lines in a file and prints them at its end; a plain `deno test` prints them at once. */
function report(line: string): void {
  const file = Deno.env.get("CAIRN_NOT_RUN_FILE");
  if (file === undefined) console.log(line);
  else Deno.writeTextFileSync(file, `${line}\n`, { append: true });
}
