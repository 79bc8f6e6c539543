// Payloads as mapped memory; the tests run with all permissions, and without --allow-ffi in a process of their own.
import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
import "npm:@tensorflow/tfjs-backend-cpu@4.22.0";
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Backend, build, Context, hostBackend, load, openCheckpoint, Tensor, tfjsBackend } from "../../mod.ts";
import { ShapeError } from "../../src/errors.ts";
import { mapFile, releaseWindow } from "../../src/store/map_file.ts";
import { tfjsNodeTest } from "../backend/tfjs_node_tool.ts";
import { symlink, TemporaryDirectory } from "../store/temporary_directory.ts";

tf.env().set("IS_TEST", true); // no advertisement for tfjs-node

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

/** An odd one between two large ones, of more than one block and more than one part. */
const SIZES: readonly (readonly [name: string, size: number])[] = [
  ["a", 300_001],
  ["b", 3],
  ["c", 4_300_000],
  ["d", 1],
  ["e", 1_100_001],
];

/** Three checkpoints of {@linkcode SIZES}; in the last two everything lies elsewhere than in the first. */
async function saveThree(directory: string): Promise<void> {
  const ctx = new Context();
  ctx.in("0").variableWithValue("w", Tensor.from(new Float32Array(5)));
  await using handler = await build(ctx).dir(directory).keep(-1).done();
  for (let turn = 1; turn <= 3; turn++) {
    if (turn === 2) ctx.deleteVariable("/0", "w");
    for (const [name, size] of SIZES) {
      const floats = new Float32Array(size);
      for (let index = 0; index < size; index++) floats[index] = (index * turn % 8191) / 8191 - 0.5;
      if (name === "e") floats[77] = 3e38;
      const values = Tensor.from(floats);
      const variable = ctx.in(name).getVariable("w");
      if (variable === undefined) ctx.in(name).variableWithValue("w", values);
      else variable.setValue(values);
    }
    if (turn === 2) ctx.in("odd").variableWithValue("bytes", Tensor.from(new Uint8Array(5)));
    await handler.save();
  }
}

/** Compares means of mapped files with those of the same files that are read, and of the host. */
async function expectSameMeans(directory: string, backend: Backend): Promise<void> {
  for (const count of [2, 3]) {
    const warnings: string[] = [];
    const meanOf = async (mapped: boolean, by: Backend): Promise<Context> => {
      const context = new Context();
      const config = load(context).dir(directory, { mapped }).takeMean(count, by);
      await using handler = await config.onWarning((text) => warnings.push(text)).done();
      assertEquals(handler.mean?.variables.filter(({ averaged }) => averaged).length, SIZES.length);
      return context;
    };
    const [read, mapped, host] = [
      await meanOf(false, backend),
      await meanOf(true, backend),
      await meanOf(false, hostBackend),
    ];
    const overflows = backend === hostBackend ? 0 : 2;
    assertEquals(warnings.filter((text) => text.includes(`overflowed in "/e/w"`)).length, overflows);
    for (const [name, size] of SIZES) {
      const mean = valueOf(mapped, `/${name}`, "w");
      // Of what overflows the host computes other parts.
      assert(mean.size === size && (name === "e" || mean.equals(valueOf(read, `/${name}`, "w"))), name);
      // No more than what lies before it up to an aligned address.
      assertGreaterOrEqual(mean.byteLength + (backend === hostBackend ? 0 : 60), mean.bytes.buffer.byteLength);
      const tolerance = name === "e" ? 0 : count * 2 ** -24;
      const wanted = valueOf(host, `/${name}`, "w").data();
      let far = -1;
      for (const [index, value] of mean.data().entries()) {
        if (!(Math.abs(Number(value) - Number(wanted[index])) <= tolerance)) far = index;
      }
      assertEquals(far, -1, name);
    }
  }
}

Deno.test({
  name: "takeMean() of mapped files gives the same bits as of files that are read",
  ignore: !IS_LINUX,
  async fn(t) {
    await using directory = await TemporaryDirectory.make();
    await saveThree(directory.path);
    await t.step("on the host", () => expectSameMeans(directory.path, hostBackend));
    await t.step("on tfjs, also where a sum overflows", async () => {
      await tf.setBackend("cpu");
      await expectSameMeans(directory.path, tfjsBackend(tf));
      assertEquals(tf.memory().numTensors, 0);
    });
    await t.step("and refuses what is no mean in memory of its own, by name", async () => {
      const mean = (give: NonNullable<Backend["meanInOwnMemory"]>) =>
        load(new Context()).dir(directory.path, { mapped: true }).takeMean(3, { ...hostBackend, meanInOwnMemory: give })
          .done();
      const message = 'Cannot take the mean of "/c/w": "host" gave ';
      const wanted = ", wanted 17200000 bytes of its own";
      const short = () => mean(() => ({ bytes: new Uint8Array(4), finite: true }));
      await assertRejects(short, ShapeError, `${message}4 bytes${wanted}`);
      const shared = () => mean((_, [bytes = new Uint8Array()]) => ({ bytes, finite: true }));
      await assertRejects(shared, ShapeError, `${message}memory of a block${wanted}`);
    });
    await t.step("and leaves the collector no part of a file, also when it fails", async () => {
      for (const fails of [false, true]) {
        const seen: Uint8Array[] = [];
        const watching: Backend = {
          ...hostBackend,
          async meanInOwnMemory(dtype, blocks) {
            seen.push(...blocks);
            const bytes = new Uint8Array(blocks[0]?.length ?? 0);
            assert(bytes.length > 0 && blocks.every(({ length }) => length === bytes.length));
            if (fails && bytes.length > 2 ** 20) throw new Error("broken");
            await hostBackend.mean(dtype, blocks, bytes);
            return { bytes, finite: false };
          },
        };
        const means = load(new Context()).dir(directory.path, { mapped: true }).takeMean(3, watching).done();
        if (fails) await assertRejects(() => means, Error, "broken");
        else await means;
        assertGreaterOrEqual(seen.length, fails ? 3 : 6);
        assertEquals(new Set(seen.map(({ length }) => length)), new Set([0]));
      }
    });
  },
});

tfjsNodeTest(
  "takeMean() of mapped files on tfjs-node gives the same bits as of files that are read",
  async (backend) => {
    await using directory = await TemporaryDirectory.make();
    await saveThree(directory.path);
    await expectSameMeans(directory.path, backend);
  },
);

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
  name: "a window of a mapped file shares its memory, ends when it is released, and keeps the file mapped until then",
  ignore: !IS_LINUX,
  async fn() {
    await using directory = await TemporaryDirectory.make();
    const { path, content, mapped } = await mapCounting(directory.path);
    const [one, other] = [mapped.window(7, 5000), mapped.window(5000, 295_001)];
    assertEquals([one, other], [content.slice(7, 5007), content.slice(5000)]);
    one[0] = 99;
    assertEquals([mapped.bytes[7], mapped.bytes.length], [99, content.length]);
    releaseWindow(one);
    releaseWindow(one);
    assertEquals([one.length, other.length, mapped.bytes[7]], [0, 295_001, 99]);
    for (const [start, length] of [[0, 300_002], [300_002, 0], [-1, 5], [5, -1]] as const) {
      assertThrows(() => mapped.window(start, length), RangeError, `no ${length} bytes at ${start}`);
    }
    const own = new Uint8Array(3);
    for (const noWindow of [own, mapped.bytes]) releaseWindow(noWindow);
    assertEquals([own.length, mapped.bytes.length, await Deno.readFile(path)], [3, content.length, content]);
    const left = windowOf(path, content.length);
    for (let turn = 0; turn < 20; turn++) new Uint8Array(50_000_000).fill(turn);
    await new Promise((resolve) => setTimeout(resolve, 10));
    assertEquals(left, content.slice(1));
  },
});

/** A file of 300,001 bytes, each one more than the one before it, up to 250, and its mapping. */
async function mapCounting(directory: string) {
  const path = `${directory}/a`;
  const content = Uint8Array.from({ length: 300_001 }, (_, index) => index % 251);
  await Deno.writeFile(path, content);
  const mapped = mapFile(path, path, content.length);
  assert("bytes" in mapped);
  return { path, content, mapped };
}

/** All but the first byte; nobody keeps the mapping. */
function windowOf(path: string, size: number): Uint8Array {
  const mapped = mapFile(path, path, size);
  assert("bytes" in mapped);
  return mapped.window(1, size - 1);
}

Deno.test({
  name: "mapFile() reads pages ahead at any place, and writing into them still never reaches the file",
  ignore: !IS_LINUX,
  async fn() {
    await using directory = await TemporaryDirectory.make();
    const { path, content, mapped } = await mapCounting(directory.path);
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
