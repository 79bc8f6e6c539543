import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

const PROCESS = fromFileUrl(new URL("./memory_process.ts", import.meta.url));

Deno.test("a Handler lets go of loaded tensors that setValue() replaced, however they were loaded", async () => {
  const ways = ["asked", "listed", "known", "immediate", "scoped"];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--v8-flags=--expose-gc", PROCESS, ...ways],
    env: { NO_COLOR: "1" },
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const found: unknown[] = lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  assertEquals(
    found,
    ways.map((way) => ({ way, collected: true, state: way === "known" ? "replaced" : "loaded" })),
    new TextDecoder().decode(stderr),
  );
});
