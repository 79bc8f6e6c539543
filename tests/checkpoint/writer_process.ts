import { build, CheckpointError, Context } from "../../mod.ts";

// Run by tests in a process of its own: `writer_process.ts DIR`. Saves one checkpoint, prints a line of JSON, and keeps
// the lock until standard input ends.

const ctx = new Context();
ctx.checked(false).in("a").variableWithValue("w", [1, 2]);
const handler = await build(ctx).dir(Deno.args[0] ?? "").done();
try {
  const saved = await handler.save();
  console.log(JSON.stringify({ saved: saved.baseName }));
} catch (error) {
  if (!(error instanceof CheckpointError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
}
for await (const _ of Deno.stdin.readable);
