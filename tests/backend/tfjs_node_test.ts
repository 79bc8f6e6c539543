import type { Tensor } from "npm:@tensorflow/tfjs-node@4.22.0";
import { assertEquals, assertMatch, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { alignedBlocks } from "../../src/backend/aligned_blocks.ts";
import { hostBackend, tfjsBackend } from "../../src/backend/mod.ts";
import { smallestFlags } from "../../src/backend/tfjs_node_advice.ts";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { TFJS_NODE_ADDON } from "../../tools/tfjs_node.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { Random } from "../tensor/random.ts";
import { expectCloseToHost, meanOf, randomBlocks, toBytes, toValues } from "./float32_blocks.ts";
import { tfjsNodeTest } from "./tfjs_node_tool.ts";

const MEAN = { name: "tfjs-node", mean: [3, 4, 4] };

tfjsNodeTest(
  "tfjsNodeBackend() computes means close to the host's, and leaves the sources as they are",
  async (backend) => {
    const random = new Random(6);
    for (const [k, size] of [[1, 10], [2, 1000], [3, 1], [5, 12_345], [20, 64], [4, 0]] as const) {
      const blocks = randomBlocks(random, k, size);
      const copies = blocks.map((block) => block.slice());
      await expectCloseToHost(backend, blocks);
      assertEquals(blocks, copies);
    }
  },
);

tfjsNodeTest("tfjsNodeBackend() flushes subnormal numbers to zero, the host does not", async (backend) => {
  const normal = 2 ** -126;
  const blocks = [[normal / 2, normal], [normal / 2, normal]].map(toBytes);
  assertEquals(await meanOf(backend, blocks), [0, normal]);
  assertEquals(await meanOf(hostBackend, blocks), [normal / 2, normal]);
});

tfjsNodeTest("tfjsNodeBackend() gives infinity where the sum is beyond float32", async (backend) => {
  assertEquals(await meanOf(backend, [[3e38, NaN], [3e38, 1]].map(toBytes)), [Infinity, NaN]);
});

// TensorFlow shares memory that is aligned to 64 bytes instead of copying it.
tfjsNodeTest("tfjsNodeBackend() neither writes to shared memory nor reads it once it is done", async (backend) => {
  const size = 16_384;
  const blocks = alignedBlocks(3, size * 4);
  const into = new Uint8Array(size * 4);
  const random = new Random(7);
  for (let round = 0; round < 20; round++) {
    const values = randomBlocks(random, blocks.length, size);
    for (const [index, block] of blocks.entries()) block.set(values[index] ?? block);
    await backend.mean("Float32", blocks, into);
    const own = await backend.meanInOwnMemory?.("Float32", blocks);
    assertEquals(blocks, values);
    for (const block of blocks) block.fill(0x7f);
    assertEquals(own, { bytes: into, finite: true });
    const wanted = await meanOf(hostBackend, values);
    for (const [index, mean] of toValues(into).entries()) {
      if (Math.abs(mean - (wanted[index] ?? NaN)) > 1e-6) throw new Error(`element ${index}: ${mean}`);
    }
  }
});

tfjsNodeTest("tfjsNodeBackend() leaves no tensors, also when an operation throws", async (backend) => {
  const tf = await import("npm:@tensorflow/tfjs-node@4.22.0");
  const before = tf.memory().numTensors;
  const blocks = randomBlocks(new Random(8), 5, 1000);
  await meanOf(backend, blocks);
  const broken = new Error("broken");
  const throwing = tfjsBackend<Tensor>({
    ...tf,
    addN: () => {
      throw broken;
    },
  });
  assertStrictEquals(await assertRejects(() => meanOf(throwing, blocks)), broken);
  assertStrictEquals(tf.memory().numTensors, before);
});

tfjsNodeTest("tfjsNodeBackend() needs no more than the smallest flags", async () => {
  assertEquals(await runMean(smallestFlags(TFJS_NODE_ADDON).split(" "), [TFJS_NODE_ADDON]), MEAN);
});

tfjsNodeTest("tfjsNodeBackend() names the smallest flags when a permission is missing", async () => {
  for (const left of ["--allow-ffi", "--allow-read", "--allow-env"]) {
    const flags = smallestFlags(TFJS_NODE_ADDON).split(" ").filter((flag) => !flag.startsWith(left));
    const { code, message } = await runMean(flags, [TFJS_NODE_ADDON]);
    assertEquals(code, "permission");
    assertMatch(message ?? "", /^Cannot (load tfjs-node: |read ".*", which options.addon names: )/);
    assertStringIncludes(message ?? "", `run again with ${smallestFlags(TFJS_NODE_ADDON)}`);
  }
});

tfjsNodeTest("tfjsNodeBackend() takes the native library that CAIRN_TFJS_NODE names", async () => {
  const flags = [...smallestFlags(TFJS_NODE_ADDON).split(" "), "--allow-env=CAIRN_TFJS_NODE"];
  assertEquals(await runMean(flags, [], { env: { CAIRN_TFJS_NODE: TFJS_NODE_ADDON } }), MEAN);
});

tfjsNodeTest("tfjsNodeBackend() finds the native library that deno task setup built", async () => {
  await using elsewhere = await TemporaryDirectory.make();
  for (const cwd of [PROJECT_ROOT, elsewhere.path]) assertEquals(await runMean(["--allow-all"], [], { cwd }), MEAN);
});

tfjsNodeTest("tfjsNodeBackend() finds the native library in node_modules first", async () => {
  await using directory = await TemporaryDirectory.make();
  const lib = join(directory.path, "node_modules", "@tensorflow", "tfjs-node", "lib", "napi-v8");
  await Deno.mkdir(lib, { recursive: true });
  await Deno.writeTextFile(join(lib, "tfjs_binding.node"), "not a library");
  const { code, message } = await runMean(["--allow-all"], [], { cwd: directory.path });
  assertEquals(code, "config");
  assertStringIncludes(message ?? "", `Cannot load tfjs-node with the native library "${lib}/tfjs_binding.node": `);
});

tfjsNodeTest("tfjsNodeBackend() works in a worker", async () => {
  const worker = new Worker(new URL("./mean_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.onmessage = (event) => resolve(event.data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage(TFJS_NODE_ADDON);
  try {
    assertEquals(await promise, MEAN);
  } finally {
    worker.terminate();
  }
});

Deno.test("tfjsNodeBackend() says how to install a native library that is missing, and downloads nothing", async () => {
  await using directory = await TemporaryDirectory.make();
  const denoDir = join(directory.path, "deno");
  const missing = join(directory.path, "missing.node");
  for (const [args, env, askedBy] of [[[missing], "", "options.addon"], [[], missing, "CAIRN_TFJS_NODE"]] as const) {
    const outcome = await runMean(["--allow-all"], args, { env: { CAIRN_TFJS_NODE: env, DENO_DIR: denoDir } });
    assertEquals(outcome, {
      code: "not-found",
      message: `Cannot find tfjs-node's native library: nothing is at "${missing}", which ${askedBy} names; ` +
        'to install it, run "deno task setup" in a checkout of Cairn (Linux on x86-64 only); or in your own project ' +
        'set "nodeModulesDir": "auto" in deno.json and run ' +
        '"deno install --allow-scripts=npm:@tensorflow/tfjs-node npm:@tensorflow/tfjs-node@4.22.0"',
    });
  }
  assertEquals([...Deno.readDirSync(join(denoDir, "npm"))], []);
});

Deno.test("tfjsNodeBackend() passes over places that it may not read, and names all of them", async () => {
  const { code, message } = await runMean([], []);
  assertEquals(code, "permission");
  assertMatch(
    message ?? "",
    /looked for "[^"]+node_modules\/@tensorflow[^;]+, of which \d may not be read; run again with --allow-read=\/[^;]+; if/,
  );
});

interface Outcome {
  readonly code?: string;
  readonly message?: string;
  readonly name?: string;
  readonly mean?: readonly number[];
}

async function runMean(
  flags: readonly string[],
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<Outcome> {
  const script = fromFileUrl(new URL("./mean_process.ts", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: options.cwd ?? PROJECT_ROOT,
    args: ["run", "--no-prompt", "--no-check", ...flags, script, ...args],
    env: { CAIRN_TFJS_NODE: "", DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...options.env },
    stdin: "null",
  }).output();
  const [said, complaints] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertStrictEquals(code, 0, complaints);
  return JSON.parse(said ?? "");
}
