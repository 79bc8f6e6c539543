import { assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import { hostBackend } from "../../src/backend/mod.ts";
import { ShapeError } from "../../src/errors.ts";
import { DTYPES } from "../../src/tensor/mod.ts";
import { Random } from "../tensor/random.ts";
import { errorInUlps } from "./exact_arithmetic.ts";
import { FLOAT_DTYPES, type FloatDType, SAMPLES } from "./float_samples.ts";

const INFINITIES = [Infinity, -Infinity];
/** More than one chunk of the loops, and no multiple of one. */
const SIZE = 1500;

for (const dtype of FLOAT_DTYPES) {
  for (const [name, sample] of Object.entries(SAMPLES)) {
    Deno.test(`hostBackend.mean() of ${dtype.dtype} is within 1 ulp of the exact mean when values are ${name}`, async () => {
      const random = new Random(4);
      const allowed = 0.5 + 1 / 64; // one rounding
      for (const k of [2, 3, 4, 5, 7, 10, 20]) {
        const columns = Array.from({ length: 120 }, () => sample(random, k, dtype));
        const means = await meanOfColumns(dtype, columns);
        for (const [index, values] of columns.entries()) {
          const error = errorInUlps(means[index] ?? NaN, values, dtype);
          assertLess(error, allowed, `${error} ulps: mean of ${values.join(", ")} is ${means[index]}`);
        }
      }
    });
  }

  Deno.test(`hostBackend.mean() of ${dtype.dtype} has IEEE's zeros, infinities and NaN`, async () => {
    const { largest } = dtype;
    const cases: [values: number[], mean: number][] = [
      [[-0, -0, -0], -0],
      [[0, -0], 0],
      [[-0, 0, -0], 0],
      [[1, -1], 0],
      [[largest, largest, -largest, -largest], 0],
      [[largest, largest, largest], largest],
      [[Infinity, 1], Infinity],
      [[-Infinity, largest, largest], -Infinity],
      [[largest, largest, largest, -Infinity], -Infinity],
      [[...INFINITIES, 1], NaN],
      [[NaN, 1, 2], NaN],
      [[Infinity, NaN], NaN],
    ];
    for (const [values, mean] of cases) {
      assertStrictEquals((await meanOfColumns(dtype, [values]))[0], mean, `mean of ${values.join(", ")}`);
    }
  });

  Deno.test(`hostBackend.mean() of ${dtype.dtype} rounds ties to even`, async () => {
    const ulp = 2 ** (1 - dtype.precision);
    assertEquals(await meanOfColumns(dtype, [[1, 1 + ulp], [1 + ulp, 1 + 2 * ulp], [-1, -1 - ulp]]), [
      1,
      1 + 2 * ulp,
      -1,
    ]);
    const tiny = 2 ** dtype.smallest;
    assertEquals(await meanOfColumns(dtype, [[0, tiny], [tiny, 2 * tiny], [2 * tiny, 3 * tiny]]), [
      0,
      2 * tiny,
      2 * tiny,
    ]);
  });

  Deno.test(`hostBackend.mean() of ${dtype.dtype} gives one block back bit by bit`, async () => {
    const block = new Random(1).bytes(SIZE * dtype.bytes);
    const into = new Uint8Array(block.length);
    await hostBackend.mean(dtype.dtype, [block], into);
    assertEquals(into, block);
  });

  Deno.test(`hostBackend.mean() of ${dtype.dtype} takes blocks that are not aligned, and any length`, async () => {
    const random = new Random(2);
    for (const size of [0, 1, 3, 1023, 1024, 1025, SIZE]) {
      const blocks = [1, 2, 3].map(() => dtype.encode(Array.from({ length: size }, () => dtype.round(random.unit()))));
      const aligned = new Uint8Array(size * dtype.bytes);
      await hostBackend.mean(dtype.dtype, blocks, aligned);
      const around = new Uint8Array(aligned.length + 4).fill(0xaa);
      await hostBackend.mean(dtype.dtype, blocks.map(shifted), around.subarray(3, -1));
      assertEquals(around, Uint8Array.of(0xaa, 0xaa, 0xaa, ...aligned, 0xaa));
    }
  });

  Deno.test(`hostBackend.mean() of ${dtype.dtype} leaves its sources as they are`, async () => {
    const blocks = [3, 4, 5].map((seed) => new Random(seed).bytes(64 * dtype.bytes));
    const before = blocks.map((block) => block.slice());
    await hostBackend.mean(dtype.dtype, blocks, new Uint8Array(64 * dtype.bytes));
    assertEquals(blocks, before);
  });
}

// Float64 has no wider type that sees it.
for (const dtype of FLOAT_DTYPES.filter(({ dtype }) => dtype !== "Float64")) {
  Deno.test(`hostBackend.mean() of ${dtype.dtype} rounds once, so that what is just above a tie goes up`, async () => {
    const ulp = 2 ** (1 - dtype.precision);
    const little = Math.max(2 ** -40, 2 ** dtype.smallest);
    assertEquals(await meanOfColumns(dtype, [[2, 2 + 2 * ulp, 0, 0], [2, 2 + 2 * ulp, little, 0]]), [1, 1 + ulp]);
    assertEquals(await meanOfColumns(dtype, [[2, 2 + 2 * ulp, -little, 0]]), [1]);
  });
}

Deno.test("hostBackend.supports() is true of float dtypes only", () => {
  assertEquals(DTYPES.filter((dtype) => hostBackend.supports(dtype)), ["Float16", "BFloat16", "Float32", "Float64"]);
});

Deno.test("hostBackend.mean() throws a ShapeError that says what is wrong with the blocks", () => {
  const four = new Uint8Array(4);
  const cases: [Parameters<typeof hostBackend.mean>, string][] = [
    [["Int32", [four], four], "it has none of this dtype"],
    [["Float32", [], four], "no blocks found, wanted at least one"],
    [["Float32", [four, new Uint8Array(8)], four], "a block of 8 bytes found, wanted 4"],
    [
      ["Float64", [four, four], four],
      "4 bytes wanted, which is no multiple of the 8 bytes of an element",
    ],
  ];
  for (const [args, problem] of cases) {
    const error = assertThrows(() => hostBackend.mean(...args), ShapeError);
    assertEquals(error.message, `Cannot compute a mean of ${args[0]} on "host": ${problem}`);
  }
});

/** Each column is the k values of one element. */
async function meanOfColumns(dtype: FloatDType, columns: readonly number[][]): Promise<number[]> {
  const k = columns[0]?.length ?? 0;
  const blocks = Array.from({ length: k }, (_, row) => dtype.encode(columns.map((column) => column[row] ?? NaN)));
  const into = new Uint8Array(columns.length * dtype.bytes);
  await hostBackend.mean(dtype.dtype, blocks, into);
  return dtype.decode(into);
}

function shifted(block: Uint8Array): Uint8Array {
  const memory = new Uint8Array(block.length + 1);
  memory.set(block, 1);
  return memory.subarray(1);
}
