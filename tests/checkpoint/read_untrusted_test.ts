import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { build, Context, goParam, load, openCheckpoint, readUntrusted, Tensor } from "../../mod.ts";
import { readAnswer } from "../../src/checkpoint/sandbox_answer.ts";
import { CheckpointError, ConfigError, CorruptError, LimitError, StoreError } from "../../src/errors.ts";
import { namesIn, symlink, TemporaryDirectory } from "../store/temporary_directory.ts";
import { SILENT } from "./runs.ts";

const SCRIPT = fromFileUrl(new URL("./untrusted_process.ts", import.meta.url));

/** A directory with a checkpoint of a bit of everything. */
async function modelIn(path: string, compression: "none" | "gzip" = "none"): Promise<string> {
  const ctx = new Context();
  ctx.setParam("lr", NaN);
  ctx.in("a").setParam("units", goParam("int64", 2n ** 60n));
  ctx.in("a").variableWithValue("w", [[1, 2], [3, 4]]);
  ctx.in("a").variableWithValue("frozen", Tensor.from([1, -1], "Int8")).setTrainable(false);
  ctx.setGlobalStep(7);
  await using handler = await build(ctx).dir(path).compress(compression).done();
  return (await handler.save({ metrics: { loss: 0.5 } })).baseName;
}

for (const compression of ["none", "gzip"] as const) {
  Deno.test(`readUntrusted() gives the checkpoint as it was (${compression}), raw and written anew`, async () => {
    await using directory = await TemporaryDirectory.make();
    const base = await modelIn(directory.path, compression);
    const before = namesIn(directory.path);
    const store = await readUntrusted(directory.path, { at: 7 });
    await using theirs = await openCheckpoint(directory.path);
    await using ours = await openCheckpoint(store);
    assertEquals([ours.baseName, ours.step, ours.metrics, ours.params], [base, 7, { loss: 0.5 }, theirs.params]);
    const rowsOf = ({ variables }: typeof ours): unknown[] =>
      variables.map(({ scope, name, dtype, dimensions, trainable, crc32 }) => [
        scope,
        name,
        dtype,
        dimensions,
        trainable,
        crc32,
      ]);
    assertEquals(rowsOf(ours), rowsOf(theirs));
    const ctx = new Context();
    await using _ = await load(ctx).store(store).done();
    assertEquals(ctx.in("a").getVariable("w")?.value().toNested(), [[1, 2], [3, 4]]);
    assertEquals(namesIn(directory.path), before);
  });
}

Deno.test("readUntrusted() throws what is wrong with the files, as openCheckpoint() does", async () => {
  await using directory = await TemporaryDirectory.make();
  const base = await modelIn(directory.path);
  const bin = join(directory.path, `${base}.bin`);
  const bytes = await Deno.readFile(bin);
  await Deno.writeFile(bin, bytes.with(3, 99));
  const damaged = await assertRejects(() => readUntrusted(directory.path), CheckpointError, "the file is damaged");
  assertEquals([damaged.code, damaged.entry], ["corrupt", "/a/w"]);
  await Deno.writeFile(bin, bytes.subarray(0, 5));
  assertEquals((await assertRejects(() => readUntrusted(directory.path), CheckpointError)).code, "corrupt");
  await Deno.remove(bin);
  await symlink("/etc/passwd", bin);
  const outside = await assertRejects(() => readUntrusted(directory.path), CheckpointError);
  assertEquals(outside.code, "permission");
  const missing = await assertRejects(() => readUntrusted(`${directory.path}/none`), CheckpointError);
  assertEquals(missing.code, "not-found");
  const at = await assertRejects(() => readUntrusted(directory.path, { at: 8 }), CheckpointError, "8");
  assertEquals(at.code, "not-found");
});

Deno.test("readUntrusted() ends a process that takes too long, too much, or is aborted", async () => {
  await using directory = await TemporaryDirectory.make();
  await modelIn(directory.path);
  const { path } = directory;
  await assertRejects(() => readUntrusted(path, { timeout: 1 }), LimitError, "more than the 1 ms that timeout allows");
  const large = await assertRejects(() => readUntrusted(path, { maxBytes: 20 }), CheckpointError, "maxBytes allows 20");
  assertEquals(large.code, "limit");
  const stop = new AbortController();
  const reading = readUntrusted(path, { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assertRejects(() => reading, Error, "enough");
  await assertRejects(() => readUntrusted(path, { signal: AbortSignal.abort(new Error("never")) }), Error, "never");
  // A manifest within all limits, in a heap that cannot hold it.
  const rows = Array.from({ length: 60_000 }, (_, index) =>
    JSON.stringify({
      Scope: "/",
      Key: `k${index}`,
      Value: String(index).repeat(40),
      ValueType: "string",
    }));
  const base = "checkpoint-n0000009-20240102-030405-step-00000009";
  await Deno.writeTextFile(join(path, `${base}.json`), `{"Params":[${rows.join(",")}],"Variables":[]}`);
  await Deno.writeTextFile(join(path, `${base}.bin`), "");
  await assertRejects(() => readUntrusted(path, { maxHeapMebibytes: 20 }), LimitError, "maxHeapMebibytes");
});

Deno.test("readUntrusted() refuses what it cannot keep", async () => {
  await assertRejects(() => readUntrusted(""), ConfigError, "wanted the path of a directory");
  await assertRejects(() => readUntrusted("a,b"), ConfigError, "no permission can name a path with a comma");
  await assertRejects(
    () => readUntrusted("a", { timeout: 0 }),
    ConfigError,
    "timeout is 0, wanted a whole number from 1",
  );
  await assertRejects(() => readUntrusted("a", { maxBytes: NaN }), ConfigError, "maxBytes is NaN");
});

Deno.test("readUntrusted() needs to run deno and nothing else, and never reads the files itself", async () => {
  await using directory = await TemporaryDirectory.make();
  const base = await modelIn(directory.path);
  const run = async (...flags: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--cached-only", ...flags, SCRIPT, directory.path],
      env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    if (text === "") throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(text);
  };
  const granted = await run(`--allow-run=${Deno.execPath()}`);
  assertEquals(granted, {
    canRead: false,
    base,
    values: { "/a/w": "(Float32)[2 2]", "/a/frozen": "(Int8)[2]", "/global_step": "(Int64)" },
  });
  for (const flags of [[], [`--allow-read=${directory.path}`]]) {
    const refused = await run(...flags);
    assertEquals([refused.code, refused.canRead], ["permission", flags.length > 0]);
    assertStringIncludes(String(refused.message), `run again with --allow-run=${Deno.execPath()}`);
  }
});

Deno.test("the process of readUntrusted() can read its directory and nothing else", async () => {
  await using directory = await TemporaryDirectory.make();
  await modelIn(directory.path);
  const audit = `${directory.path}/../${crypto.randomUUID()}.jsonl`;
  Deno.env.set("DENO_AUDIT_PERMISSIONS", audit);
  try {
    await readUntrusted(directory.path, { onWarning: SILENT });
    const asked = (await Deno.readTextFile(audit)).trim().split("\n").map((line) => JSON.parse(line));
    const foreign = asked.filter(({ permission, value }) =>
      !(permission === "read" && String(value).replaceAll('"', "").startsWith(directory.path))
    );
    assertEquals(foreign, []);
    assert(asked.length > 0);
  } finally {
    Deno.env.delete("DENO_AUDIT_PERMISSIONS");
    await Deno.remove(audit).catch(() => {});
  }
});

Deno.test("a CorruptError of readUntrusted() is known by its code, as from another copy of the package", async () => {
  await using directory = await TemporaryDirectory.make();
  const base = await modelIn(directory.path);
  await Deno.writeTextFile(join(directory.path, `${base}.json`), "{");
  const error = await assertRejects(() => readUntrusted(directory.path), CheckpointError);
  assertEquals([error.code, error instanceof CorruptError], ["format", false]);
});

Deno.test("readAnswer() believes nothing that the process says", () => {
  const base = "checkpoint-n0000003-20240102-030405-step-00000007";
  const read = (answer: unknown): unknown => readAnswer(JSON.stringify(answer), "/dir", 100);
  const good = { base, sizes: [10, 20], reports: ["odd"] };
  assertEquals(read(good), good);
  const senseless = [
    ...[null, 1, "x", [], {}, { ...good, base: "../../etc/passwd" }, { ...good, base: 5 }, { ...good, base: "" }],
    ...[5, [], [1], [-1, 1], [1, 0.5], ["1", 1], [2 ** 40, 1], [1, 2 ** 22]].map((sizes) => ({ ...good, sizes })),
    ...[5, { length: 3 }, null].map((reports) => ({ ...good, reports })),
    { error: null },
  ];
  for (const each of senseless) assertThrows(() => read(each), StoreError, "senseless answer", JSON.stringify(each));
  assertThrows(() => readAnswer("no JSON", "/dir", 100), StoreError, "senseless answer");
  const error = assertThrows(
    () => read({ error: { code: "x", message: "\u001b[31mred", path: 5, entry: {} } }),
    CheckpointError,
  );
  assertEquals([error.code, error.path, error.entry, error.message], ["store", "/dir", undefined, "\\u{1b}[31mred"]);
});
