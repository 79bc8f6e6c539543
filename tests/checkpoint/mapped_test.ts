// Payloads as mapped memory; the tests run with all permissions, and without --allow-ffi in a process of their own.
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { build, Context, load, openCheckpoint, Tensor } from "../../mod.ts";
import { mapFile } from "../../src/store/map_file.ts";
import { symlink, TemporaryDirectory } from "../store/temporary_directory.ts";

const IS_LINUX = Deno.build.os === "linux";
const FLOATS = Float32Array.from({ length: 5000 }, (_, index) => index / 7);

/** One odd-sized variable in front, so that the one behind it has no place that fits its dtype. */
async function saveModel(directory: string): Promise<Context> {
  const ctx = new Context();
  ctx.in("a").variableWithValue("weights", Tensor.from(FLOATS));
  ctx.in("b").variableWithValue("flags", Tensor.from(new Uint8Array([1, 2, 3])));
  ctx.in("c").variableWithValue("bias", Tensor.from(new Float32Array([0.5, -1])));
  await using handler = await build(ctx).dir(directory).done();
  await handler.save();
  return ctx;
}

function valueOf(ctx: Context, scope: string, name: string): Tensor {
  const variable = ctx.inAbsPath(scope).getVariable(name);
  if (variable === undefined) throw new Error(`no ${scope}/${name}`);
  return variable.value();
}

Deno.test({
  name: "dir() with mapped gives values that share the mapping, lazily, at once and through openCheckpoint()",
  ignore: !IS_LINUX,
  async fn() {
    await using directory = await TemporaryDirectory.make();
    const saved = await saveModel(directory.path);
    const warnings: string[] = [];
    for (const immediate of [false, true]) {
      const ctx = new Context();
      const config = load(ctx).dir(directory.path, { mapped: true }).onWarning((text) => warnings.push(text));
      await using _ = await (immediate ? config.immediate() : config).done();
      const weights = valueOf(ctx, "/a", "weights");
      assert(weights.equals(valueOf(saved, "/a", "weights")));
      assert(valueOf(ctx, "/c", "bias").equals(valueOf(saved, "/c", "bias")));
      // The whole file is behind it, and behind the other value that fits.
      assert(weights.bytes.buffer.byteLength > weights.byteLength);
      assertEquals(weights.bytes.buffer, valueOf(ctx, "/b", "flags").bytes.buffer);
      assert(valueOf(ctx, "/c", "bias").bytes.buffer !== weights.bytes.buffer);
    }
    await using checkpoint = await openCheckpoint(directory.path, { mapped: true, onWarning: (w) => warnings.push(w) });
    const part = await checkpoint.read("/a/weights", { start: 10, end: 20 });
    assertEquals(part.data(), FLOATS.slice(10, 20));
    assert(part.bytes.buffer.byteLength > 5000 * 4);
    assertEquals(warnings, []);
  },
});

Deno.test({
  name: "writing into a mapped tensor never reaches the file, and a save after it has what was written",
  ignore: !IS_LINUX,
  async fn() {
    await using directory = await TemporaryDirectory.make();
    await saveModel(directory.path);
    const ctx = new Context();
    await using handler = await build(ctx).dir(directory.path, { mapped: true }).keep(-1).immediate().done();
    const [before] = await handler.listCheckpoints();
    const weights = valueOf(ctx, "/a", "weights");
    const data = weights.data();
    if (data instanceof Float32Array) data.fill(42);
    const saved = await handler.save();
    await using old = await openCheckpoint(`${directory.path}/${before}`);
    assertEquals((await old.read("/a/weights")).data(), FLOATS); // compared with its checksum too
    assertEquals((await saved.read("/a/weights")).at(3), 42);
    await saved[Symbol.asyncDispose]();
  },
});

Deno.test({
  name: "a mapped tensor outlives its file, its handler and the collector",
  ignore: !IS_LINUX,
  async fn() {
    await using directory = await TemporaryDirectory.make();
    await saveModel(directory.path);
    let weights: Tensor;
    {
      const ctx = new Context();
      await using _ = await load(ctx).dir(directory.path, { mapped: true }).done();
      weights = valueOf(ctx, "/a", "weights");
    }
    for await (const { name } of Deno.readDir(directory.path)) await Deno.remove(`${directory.path}/${name}`);
    for (let turn = 0; turn < 20; turn++) new Uint8Array(50_000_000).fill(turn);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assertEquals(weights.data(), FLOATS);
  },
});

Deno.test({
  name: "takeMean() of mapped files gives the same bits as of files that are read",
  ignore: !IS_LINUX,
  async fn() {
    await using directory = await TemporaryDirectory.make();
    const ctx = new Context();
    // An odd one between two large ones, of more than one block and more than one part.
    const sizes: [name: string, size: number][] = [["a", 300_001], ["b", 3], ["c", 5_000_000], ["d", 1], [
      "e",
      262_145,
    ]];
    await using handler = await build(ctx).dir(directory.path).keep(-1).done();
    for (let turn = 1; turn <= 3; turn++) {
      for (const [name, size] of sizes) {
        const values = Tensor.from(Float32Array.from({ length: size }, (_, index) => Math.sin(index * turn)));
        const variable = ctx.in(name).getVariable("w");
        if (variable === undefined) ctx.in(name).variableWithValue("w", values);
        else variable.setValue(values);
      }
      if (turn === 1) ctx.in("odd").variableWithValue("bytes", Tensor.from(new Uint8Array(5)));
      await handler.save();
    }
    const means = await Promise.all([false, true].map(async (mapped) => {
      const context = new Context();
      await load(context).dir(directory.path, { mapped }).takeMean(3).done();
      return context;
    }));
    for (const [name, size] of sizes) {
      const [read, mapped] = means.map((context) => valueOf(context, `/${name}`, "w"));
      assert(read !== undefined && mapped !== undefined && read.size === size && mapped.equals(read), name);
      assertEquals(mapped.bytes.buffer.byteLength, mapped.byteLength);
    }
  },
});

Deno.test("what cannot be mapped is read, and a warning says why", async () => {
  await using directory = await TemporaryDirectory.make();
  await saveModel(directory.path);
  const script = fromFileUrl(new URL("./checkpoint_process.ts", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", `--allow-read=${directory.path}`, script, directory.path, "mapped"],
    env: { DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  const { result: [size, warnings] } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals([size, warnings.length], [5000, 1]);
  assertStringIncludes(
    warnings[0],
    IS_LINUX ? "is read, not mapped: it needs --allow-ffi" : "is read, not mapped: on ",
  );
});

Deno.test("a compressed payload is read although mapping was asked for, and a warning says so", async () => {
  await using directory = await TemporaryDirectory.make();
  const saved = new Context();
  saved.in("a").variableWithValue("weights", Tensor.from(FLOATS));
  await using handler = await build(saved).dir(directory.path).compress("gzip").done();
  await handler.save();
  const warnings: string[] = [];
  const ctx = new Context();
  await using _ = await load(ctx).dir(directory.path, { mapped: true }).onWarning((w) => warnings.push(w)).done();
  assertEquals(valueOf(ctx, "/a", "weights").data(), FLOATS);
  assertStringIncludes(warnings.join(), "is read, not mapped: it is compressed");
});

Deno.test({
  name: "mapFile() maps only the file at that very path, of that very size",
  ignore: !IS_LINUX,
  async fn() {
    await using directory = await TemporaryDirectory.make();
    const path = `${directory.path}/a`;
    await Deno.writeTextFile(path, "hello");
    await Deno.writeTextFile(`${directory.path}/empty`, "");
    await symlink(path, `${directory.path}/link`);
    const reasonOf = (path: string, size: number): string | undefined => {
      const mapped = mapFile(path, path, size);
      return "reason" in mapped ? mapped.reason : undefined;
    };
    assertEquals(reasonOf(path, 5), undefined);
    assertEquals(reasonOf(path, 4), "its size changed meanwhile");
    assertEquals(reasonOf(`${directory.path}/link`, 5), "its path changed meanwhile");
    assertEquals(reasonOf(`${directory.path}/none`, 5), "it could not be opened");
    assertEquals(reasonOf(`${directory.path}/empty`, 0), "it is empty");
  },
});

Deno.test({
  name: "mapFile() reads pages ahead at any place, and writing into them still never reaches the file",
  ignore: !IS_LINUX,
  async fn() {
    await using directory = await TemporaryDirectory.make();
    const path = `${directory.path}/a`;
    const content = Uint8Array.from({ length: 300_001 }, (_, index) => index % 251);
    await Deno.writeFile(path, content);
    const mapped = mapFile(path, path, content.length);
    assert("bytes" in mapped);
    mapped.bytes[5] = 255;
    for (
      const [start, length] of [[0, 300_001], [1, 1], [131_073, 100_000], [300_000, 1], [300_000, 999_999], [7, 0]]
    ) {
      await mapped.populate(start ?? 0, length ?? 0);
    }
    assertEquals([mapped.bytes[5], mapped.bytes[6], mapped.bytes[300_000]], [255, 6, 300_000 % 251]);
    assertEquals(await Deno.readFile(path), content);
  },
});
