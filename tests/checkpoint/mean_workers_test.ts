import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { build, Context, CorruptError, hostBackend, LocalStore, Tensor } from "@cairn/checkpoints";
import { computeCarefully } from "../../src/backend/host_mean.ts";
import { GLOBAL_STEP_NAME } from "../../src/context/mod.ts";
import { crc32 } from "../../src/format/mod.ts";
import { ByteProgress } from "../../src/checkpoint/byte_progress.ts";
import { decide } from "../../src/checkpoint/mean.ts";
import { meansByWorkers } from "../../src/checkpoint/mean_workers.ts";
import { openSource, type Source } from "../../src/checkpoint/source.ts";
import { VariableMean } from "../../src/checkpoint/variable_mean.ts";
import type { WorkOptions } from "../../src/checkpoint/save.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { Random } from "../tensor/random.ts";

type Values = Readonly<Record<string, Tensor>>;

/** Checkpoints in a directory, opened for a mean. */
class Run implements AsyncDisposable {
  private constructor(
    readonly directory: TemporaryDirectory,
    readonly sources: readonly Source[],
    readonly variables: readonly VariableMean[],
  ) {}

  static async of(checkpoints: readonly Values[], compress: "none" | "gzip" = "none"): Promise<Run> {
    const directory = await TemporaryDirectory.make();
    for (const values of checkpoints) {
      const ctx = new Context();
      await using handler = await build(ctx).dir(directory.path).keep(-1).compress(compress).excludeAllParams().done();
      ctx.deleteVariablesInScope();
      for (const [name, tensor] of Object.entries(values)) ctx.variableWithValue(name, tensor);
      await handler.save();
    }
    const store = new LocalStore(directory.path);
    const names = [...Deno.readDirSync(directory.path)].map(({ name }) => name).filter((name) => name.endsWith(".bin"));
    const sources = await Promise.all(names.sort().map((name) => openSource(store, name.slice(0, -".bin".length))));
    const wanted = sources.at(-1)?.manifest.entries.map((row) => ({ row, scope: row.scope, name: row.name })) ?? [];
    const decisions = decide(sources, wanted, { n: 0, backend: hostBackend }, new Context());
    return new Run(directory, sources, decisions.map((decision) => new VariableMean(decision, hostBackend)));
  }

  payload(index: number): string {
    return this.sources[index]?.reader.path ?? "";
  }

  /** What workers make of it, by name; and the names of what is left, but for the step. */
  async means(options: WorkOptions = {}, worthBytes = 0): Promise<{ made: Map<string, Tensor>; left: string[] }> {
    const made = new Map<string, Tensor>();
    const progress = new ByteProgress("mean", this.variables.reduce((sum, each) => sum + bytesOf(each), 0), options);
    const left = await meansByWorkers(this.variables, progress, (each) => made.set(each.row.name, each.finish()), {
      worthBytes,
      largeBytes: 1,
      workers: 2,
    });
    return { made, left: left.map(({ row }) => row.name).filter((name) => name !== GLOBAL_STEP_NAME).sort() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.sources.forEach(({ reader }) => reader.close());
    await this.directory[Symbol.asyncDispose]();
  }
}

/** A worker whose module cannot be loaded. */
class FailingWorker {
  static prevented = 0;
  onerror: ((event: { readonly message: string; preventDefault(): void }) => void) | undefined;

  fail(): void {
    this.onerror?.({ message: "refused", preventDefault: () => FailingWorker.prevented++ });
  }

  postMessage(message: object): void {
    if ("files" in message) queueMicrotask(() => this.fail());
  }

  terminate(): void {}
}

/** A worker that has done one variable and dies while what it was not sure of is computed again. */
class DyingWorker extends FailingWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | undefined;
  #crcs: readonly number[] = [];

  override postMessage(message: object): void {
    if (!("byteLength" in message) || this.#crcs.length > 0) return; // It does not answer any more.
    const mean = new Uint8Array(Number(message.byteLength));
    this.#crcs = [crc32(mean), crc32(mean)];
    queueMicrotask(() => {
      this.onmessage?.({ data: { mean: mean.buffer, crcs: this.#crcs, unsure: [[0, 16]] } });
      this.fail();
    });
  }
}

/** Bytes of all its sources. */
function bytesOf({ row, decision }: VariableMean): number {
  return row.byteLength * decision.from.length;
}

/** Does work with another class of workers, or none. */
async function withWorker<T>(other: unknown, work: () => Promise<T>): Promise<T> {
  const { Worker } = globalThis;
  Reflect.set(globalThis, "Worker", other);
  try {
    return await work();
  } finally {
    globalThis.Worker = Worker;
  }
}

function floats(random: Random, size: number): Tensor {
  return Tensor.from(Float32Array.from({ length: size }, () => random.normal()));
}

/** Any bits, NaN and infinities among them: most sums have to be computed carefully. */
function anyBits(random: Random, dtype: "Float32" | "BFloat16", size: number): Tensor {
  const tensor = Tensor.zeros(dtype, [size]);
  tensor.bytes.set(random.bytes(tensor.bytes.length));
  return tensor;
}

Deno.test("meansByWorkers() gives bit by bit what the careful loop gives, whatever the sizes and the bits", async () => {
  const random = new Random(3);
  for (const count of [2, 3, 5]) {
    const checkpoints = Array.from({ length: count }, (): Values => ({
      one: floats(random, 1),
      few: floats(random, 1023),
      tile: floats(random, 32 * 1024),
      tiles: floats(random, 70_001),
      wild: anyBits(random, "Float32", 10_003),
      half: anyBits(random, "BFloat16", 9_001),
      halves: anyBits(random, "BFloat16", 70_001),
    }));
    await using run = await Run.of(checkpoints);
    const { made, left } = await run.means();
    assertEquals(left, []);
    for (const name of Object.keys(checkpoints[0] ?? {})) {
      const sources = checkpoints.flatMap((values) => values[name] ?? []);
      const dtype = name.startsWith("hal") ? "BFloat16" : "Float32";
      const wanted = Tensor.zeros(dtype, sources[0]?.dimensions ?? []);
      computeCarefully(dtype, sources.map(({ bytes }) => bytes), wanted.bytes);
      assertEquals(made.get(name)?.bytes, wanted.bytes, `${name} of ${count}`);
    }
  }
});

Deno.test("meansByWorkers() averages a variable over the checkpoints that have it", async () => {
  const ones = (value: number): Tensor => Tensor.from(new Float32Array(20_000).fill(value));
  await using run = await Run.of([{ a: ones(1), b: ones(5) }, { a: ones(2) }, { a: ones(6), b: ones(7) }]);
  const { made, left } = await run.means();
  assertEquals([made.get("a")?.at(19_999), made.get("b")?.at(0), left], [3, 6, []]);
});

Deno.test("meansByWorkers() leaves what is not averaged, other dtypes, and all if it is little or compressed", async () => {
  const values = (): Values => ({
    w: Tensor.from(new Float32Array(5000)),
    d: Tensor.zeros("Float64", [5000]),
    h: Tensor.zeros("Float16", [5000]),
    n: Tensor.zeros("Int32", [5000]),
  });
  await using run = await Run.of([values(), values()]);
  assertEquals((await run.means()).left, ["d", "h", "n"]);
  assertEquals((await run.means({}, 40_001)).left, ["d", "h", "n", "w"]);
  assertEquals((await run.means({}, 40_000)).left, ["d", "h", "n"]);
  await using compressed = await Run.of([values(), values()], "gzip");
  assertEquals((await compressed.means()).left, ["d", "h", "n", "w"]);
});

Deno.test("meansByWorkers() finds a flipped bit wherever it is, with the file, the variable and both checksums", async () => {
  const random = new Random(4);
  const size = 50_000;
  for (const [index, at] of [[0, 0], [1, 4 * size - 1], [1, 131_072], [0, 24_576]] as const) {
    await using run = await Run.of([{ w: floats(random, size) }, { w: floats(random, size) }]);
    const path = run.payload(index);
    const bytes = await Deno.readFile(path);
    const w = run.variables.find(({ row }) => row.name === "w")?.decision.from[index];
    const position = at + (w?.source.reader.placeOnDisk(w.entry)?.position ?? NaN);
    bytes[position] = (bytes[position] ?? 0) ^ 1;
    await Deno.writeFile(path, bytes);
    const error = await assertRejects(() => run.means(), CorruptError, 'Cannot read variable "/w"');
    assertEquals([error.path, error.entry], [path, "/w"]);
  }
});

Deno.test("meansByWorkers() leaves the variables of a file that is shorter, gone or another one by then", async () => {
  const names = [..."abcdefg"];
  const values = (): Values => Object.fromEntries(names.map((name) => [name, Tensor.from(new Float32Array(5000))]));
  const spoilings: ((path: string) => Promise<void>)[] = [
    (path) => Deno.truncate(path, 100),
    (path) => Deno.remove(path),
    async (path) => {
      await Deno.copyFile(path, `${path}.other`);
      await Deno.rename(`${path}.other`, path);
    },
  ];
  for (const spoil of spoilings) {
    await using run = await Run.of([values(), values()]);
    await spoil(run.payload(0));
    const told: number[] = [];
    const { made, left } = await run.means({ progress: ({ done }) => told.push(done) });
    assertEquals([[...made.keys()], left], [[], names]);
    assertEquals(told.at(-1), 0, "nothing is done");
  }
});

Deno.test("meansByWorkers() leaves all where workers fail, or are none", async () => {
  const values = (): Values => ({ w: Tensor.from(new Float32Array(5000)), v: Tensor.from(new Float32Array(5000)) });
  await using run = await Run.of([values(), values()]);
  assertEquals((await withWorker(FailingWorker, () => run.means())).left, ["v", "w"]);
  assertEquals(FailingWorker.prevented, 2);
  assertEquals((await withWorker(undefined, () => run.means())).left, ["v", "w"]);
});

Deno.test("meansByWorkers() leaves what a worker has not begun when it dies", async () => {
  const names = [..."abcdefg"];
  const values = (): Values => Object.fromEntries(names.map((name) => [name, Tensor.from(new Float32Array(5000))]));
  await using run = await Run.of([values(), values()]);
  const { made, left } = await withWorker(DyingWorker, () => run.means());
  assertEquals(made.size, 2, "one of each worker");
  assertEquals([...made.keys(), ...left].sort(), names);
});

Deno.test("meansByWorkers() takes back what it has told of a variable that it leaves", async () => {
  const values = (): Values => ({ w: Tensor.from(new Float32Array(3 * 2 ** 20)) });
  await using run = await Run.of([values(), values()]);
  await Deno.truncate(run.payload(1), 10 * 2 ** 20);
  const told: number[] = [];
  assertEquals((await run.means({ progress: ({ done }) => told.push(done) })).left, ["w"]);
  assertEquals([Math.max(...told), told.at(-1)], [2 * 8 * 2 ** 20, 0]);
});

Deno.test("meansByWorkers() tells how far it is, up to all, and stops at an abort", async () => {
  const values = (): Values =>
    Object.fromEntries([..."abcdef"].map((name) => [name, Tensor.from(new Float32Array(2_500_000))]));
  await using run = await Run.of([values(), values()]);
  const told: { done: number; total: number }[] = [];
  await run.means({ progress: (each) => told.push(each) });
  const total = 6 * 2 * 10_000_000;
  assertEquals(told.at(-1)?.done, total);
  assert(told.every(({ done }, index) => done >= (told[index - 1]?.done ?? 0)));
  assertGreater(told.length, 6);

  const controller = new AbortController();
  const made: string[] = [];
  const progress = ({ done }: { done: number }): void => {
    made.push(String(done));
    if (done > 0) controller.abort(new Error("enough"));
  };
  await assertRejects(() => run.means({ progress, signal: controller.signal }), Error, "enough");
  assertEquals(made.length, 2);
});
