import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { gomlxTest } from "../gomlx/gomlx.ts";

gomlxTest("deno task demo kills a run, resumes it, and ends verified by GoMLX", "v0.19.4", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(PROJECT_ROOT, "deno.json")));
  const [, ...args]: string[] = tasks.demo.command.split(" ");
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [args[0] ?? "", "--no-check", ...args.slice(1)],
    cwd: PROJECT_ROOT,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const text = new TextDecoder().decode(stdout);
  const killed = /killed by SIGKILL; the newest checkpoint is of step (\d+)/.exec(text)?.[1];
  assertMatch(text, new RegExp(`-step-0*${killed}: from step ${killed} to 240\n`));
  assertMatch(text, /\nthe mean is (no )?better: [+-][\d.]+ % loss\n/);
  assertMatch(text, /\nverified by GoMLX v0\.19\.4\n$/);
});
