import { Context, load } from "../../mod.ts";

// Run by tests in a process of its own. Loads the checkpoint in the directory given, prints where the first value lies,
// as far as that may be known, and waits until its standard input is closed: /proc tells what memory it has.

const [directory = ""] = Deno.args;
const ctx = new Context();
await using _ = await load(ctx).dir(directory).immediate().done();
const bytes = ctx.getVariable("weights")?.value().bytes;
if (!(bytes?.buffer instanceof ArrayBuffer)) throw new Error("weights were not loaded");
const isGranted = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
const start = isGranted ? Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(bytes.buffer))) : 0;
console.log(JSON.stringify({ start: Number(start), sum: bytes.reduce((sum, byte) => sum + byte, 0) }));
await Deno.stdin.read(new Uint8Array(1));
