import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

const NEEDS_TOOL = new URL("./needs_tool.ts", import.meta.url).href;
const SOURCE = `import { toolTest } from "${NEEDS_TOOL}";
toolTest("hammers", { name: "hammer", isThere: () => false }, () => {});
toolTest("saws", { name: "saw", isThere: () => true }, () => {});
`;
const NOT_RUN = "not run: hammers: hammer is missing";

Deno.test("toolTest() reports a test whose tool is missing by name and skips it", async () => {
  const { code, output, collected } = await runWith({ CI: "" });
  assertEquals(code, 0);
  assertStringIncludes(output, "1 passed | 0 failed | 1 ignored");
  assertEquals(collected, `${NOT_RUN}\n`);
});

Deno.test("toolTest() fails a test whose tool is missing on CI", async () => {
  const { code, output, collected } = await runWith({ CI: "true" });
  assertEquals(code, 1);
  assertStringIncludes(output, "1 passed | 1 failed");
  assertStringIncludes(output, NOT_RUN);
  assertEquals(collected, undefined);
});

async function runWith(env: Record<string, string>): Promise<{ code: number; output: string; collected?: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const test = join(directory, "a_test.ts");
    const notRun = join(directory, "not-run.txt");
    await Deno.writeTextFile(test, SOURCE);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check", `--config=${fromFileUrl(new URL("../deno.json", import.meta.url))}`, "-A", test],
      env: { ...env, CAIRN_NOT_RUN_FILE: notRun, NO_COLOR: "1" },
    });
    const { code, stdout, stderr } = await command.output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const collected = [...Deno.readDirSync(directory)].some(({ name }) => name === "not-run.txt");
    return collected ? { code, output, collected: await Deno.readTextFile(notRun) } : { code, output };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
