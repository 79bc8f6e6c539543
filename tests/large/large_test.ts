import { assertEquals, assertLess } from "@std/assert";
import { fromFileUrl } from "@std/path";
import fs from "node:fs";
import { crc32 } from "node:zlib";

// Variables of 3 GiB: beyond what 32-bit offsets and one read or write call can do. The payloads that the tests make
// are sparse and take no room on the disk; what Cairn saves takes 3 GiB, one file at a time.

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const PROCESS = fromFileUrl(new URL("./large_process.ts", import.meta.url));
const BASE = "checkpoint-n0000000-20240102-030405-step-00000007";
/** The first variable, Int64, so that the large one does not start at 0. */
const STEP_BYTES = 8;
/** Values of single bytes of the large variable; the others are 0. */
const MARKERS: readonly (readonly [index: number, value: number])[] = [
  [0, 1],
  [2 * GIB - 1, 2],
  [2 * GIB, 3],
  [2 * GIB + 1, 4],
  [3 * GIB - 1, 5],
];

largeTest(
  "Checkpoint.read() reads ranges of 3 GiB variables without loading them",
  { disk: 0, memory: 1 },
  async () => {
    await using run = await SparseRun.make([
      { name: "bytes", dtype: "Uint8", length: 3 * GIB, elements: 3 * GIB },
      { name: "floats", dtype: "Float32", length: 3 * GIB, elements: 3 * GIB / 4 },
    ]);
    await run.write(STEP_BYTES, MARKERS);
    const one = new Uint8Array(new Float32Array([1]).buffer);
    const floats = STEP_BYTES + 3 * GIB;
    for (const element of [1 * GIB / 4, 2 * GIB / 4, 3 * GIB / 4 - 1]) {
      await run.write(floats + element * 4, [...one].map((byte, index) => [index, byte]));
    }

    const { found, peak } = await runProcess("ranges", run.path);

    assertEquals(found, {
      start: [1, 0],
      at2GiB: [0, 2, 3, 4],
      end: [0, 0, 0, 5],
      floatsAt2GiB: [0, 0, 1, 0],
      floatsAt4GiBOfPayload: [0, 0, 1, 0],
      floatsEnd: [0, 0, 0, 1],
    });
    assertLess(peak, 200 * MIB);
  },
);

largeTest(
  "Handler.save() copies an unread 3 GiB variable through small buffers",
  { disk: 3, memory: 1 },
  async () => {
    await using run = await SparseRun.make([{ name: "bytes", dtype: "Uint8", length: 3 * GIB, elements: 3 * GIB }]);
    await run.write(STEP_BYTES, MARKERS);

    const { found, peak } = await runProcess("copy", run.path);

    assertEquals(found, { baseName: await run.savedBase(), unread: true, shape: [3 * GIB] });
    assertEquals(
      await checksumOf(`${run.path}/${await run.savedBase()}.bin`),
      await checksumOf(`${run.path}/${BASE}.bin`),
    );
    assertLess(peak, 300 * MIB);
  },
);

largeTest("immediate() loads a 3 GiB variable into one tensor", { disk: 0, memory: 5 }, async () => {
  await using run = await SparseRun.make([{ name: "bytes", dtype: "Uint8", length: 3 * GIB, elements: 3 * GIB }]);
  await run.write(STEP_BYTES, MARKERS);

  const { found, peak } = await runProcess("immediate", run.path);

  assertEquals(found, MARKERS.map(([, value]) => value));
  assertLess(peak, 3 * GIB + 300 * MIB);
});

largeTest("value() reads a 3 GiB variable, and save() writes it from memory", { disk: 3, memory: 5 }, async () => {
  await using run = await SparseRun.make([{ name: "bytes", dtype: "Uint8", length: 3 * GIB, elements: 3 * GIB }]);
  await run.write(STEP_BYTES, MARKERS);

  const { found, peak } = await runProcess("valueAndSave", run.path);

  assertEquals(found, { baseName: await run.savedBase(), markers: MARKERS.map(([, value]) => value) });
  assertEquals(
    await checksumOf(`${run.path}/${await run.savedBase()}.bin`),
    await checksumOf(`${run.path}/${BASE}.bin`),
  );
  assertLess(peak, 3 * GIB + 300 * MIB);
});

/** Registers a test that needs so many GiB of free memory and disk, or says that it was not run. */
function largeTest(
  name: string,
  needs: { readonly disk: number; readonly memory: number },
  fn: () => Promise<void>,
): void {
  const missing = whatIsMissing(needs);
  if (missing !== undefined) console.log(`not run: ${name}: ${missing}`);
  Deno.test({ name, fn, ignore: missing !== undefined });
}
function whatIsMissing(needs: { readonly disk: number; readonly memory: number }): string | undefined {
  if (Deno.build.os !== "linux") return "peak memory is known on Linux only";
  const memory = Deno.systemMemoryInfo().available / GIB;
  if (memory < needs.memory) return `${memory.toFixed(1)} GiB of memory are free, ${needs.memory} are needed`;
  const probe = Deno.makeTempFileSync();
  const { bavail, bsize } = fs.statfsSync(probe);
  Deno.removeSync(probe);
  const disk = bavail * bsize / GIB;
  return disk < needs.disk + 1 ? `${disk.toFixed(1)} GiB of disk are free, ${needs.disk + 1} are needed` : undefined;
}

interface LargeVariable {
  readonly name: string;
  readonly dtype: string;
  readonly length: number;
  readonly elements: number;
}

/** A directory with one GoMLX checkpoint, whose payload is a sparse file of zeros after the global step. */
class SparseRun implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(variables: readonly LargeVariable[]): Promise<SparseRun> {
    const run = new SparseRun(await Deno.makeTempDir({ prefix: "cairn-large-" }));
    const scalar: readonly number[] = [];
    const rows = [{
      ParameterName: "var://global_step",
      Dimensions: scalar,
      DType: "Int64",
      Pos: 0,
      Length: STEP_BYTES,
    }];
    let position = STEP_BYTES;
    for (const { name, dtype, length, elements } of variables) {
      rows.push({
        ParameterName: `var://${name}`,
        Dimensions: [elements],
        DType: dtype,
        Pos: position,
        Length: length,
      });
      position += length;
    }
    await Deno.writeTextFile(`${run.path}/${BASE}.json`, JSON.stringify({ Params: null, Variables: rows }));
    using payload = await Deno.create(`${run.path}/${BASE}.bin`);
    await payload.write(new Uint8Array(new BigInt64Array([7n]).buffer));
    await payload.truncate(position);
    return run;
  }

  /** Writes single bytes, counted from `start`. */
  async write(start: number, bytes: readonly (readonly [index: number, value: number])[]): Promise<void> {
    using payload = await Deno.open(`${this.path}/${BASE}.bin`, { write: true });
    for (const [index, value] of bytes) {
      await payload.seek(start + index, Deno.SeekMode.Start);
      await payload.write(new Uint8Array([value]));
    }
  }

  /** The one checkpoint that was not there at first. */
  async savedBase(): Promise<string> {
    const names = await Array.fromAsync(Deno.readDir(this.path), ({ name }) => name);
    const saved = names.filter((name) => name.endsWith(".json") && name !== `${BASE}.json`);
    assertEquals(saved.length, 1);
    return saved.join().slice(0, -".json".length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function runProcess(operation: string, directory: string): Promise<{ found: unknown; peak: number }> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROCESS, operation, directory],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  assertEquals(success, true, `the process "${operation}" failed, see above`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function checksumOf(path: string): Promise<number> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(8 * MIB);
  let crc = 0;
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    crc = crc32(buffer.subarray(0, count), crc);
  }
  return crc;
}
