/**
 * Run by large_test.ts in processes of their own, since peak memory is of a process: `large_process.ts OPERATION DIR`.
 * Prints what it found and its peak memory in bytes, as one line of JSON.
 */

import { peakMemory } from "../../bench/peak_memory.ts";
import { build, Context, load, openCheckpoint, type Variable } from "../../mod.ts";

const GIB = 2 ** 30;

const OPERATIONS: Readonly<Record<string, (directory: string) => Promise<unknown>>> = {
  /** Reads a few elements around places where 32-bit arithmetic breaks. */
  async ranges(directory) {
    await using checkpoint = await openCheckpoint(directory);
    const around = async (name: string, index: number): Promise<unknown> =>
      (await checkpoint.read(name, { start: index - 2, end: index + 2 })).toNested();
    return {
      start: (await checkpoint.read("/bytes", { start: 0, end: 2 })).toNested(),
      at2GiB: await around("/bytes", 2 * GIB),
      end: await around("/bytes", 3 * GIB - 2),
      floatsAt2GiB: await around("/floats", 2 * GIB / 4),
      floatsAt4GiBOfPayload: await around("/floats", (4 - 3) * GIB / 4),
      floatsEnd: await around("/floats", 3 * GIB / 4 - 2),
    };
  },

  /** Saves what nobody has read. */
  async copy(directory) {
    const context = new Context();
    await using handler = await build(context).dir(directory).keep(-1).done();
    const { baseName } = await handler.save();
    const variable = expectVariable(context);
    return { baseName, unread: variable.source?.constructor.name !== "Tensor", shape: variable.dimensions };
  },

  /** Loads everything at once. */
  async immediate(directory) {
    const context = new Context();
    await using _ = await load(context).dir(directory).immediate().done();
    return markersOf(expectVariable(context));
  },

  /** Reads the variable without waiting, and saves it from memory. */
  async valueAndSave(directory) {
    const context = new Context();
    await using handler = await build(context).dir(directory).keep(-1).done();
    context.getGlobalStep(); // first in the payload, as it was
    const markers = markersOf(expectVariable(context));
    const { baseName } = await handler.save();
    return { baseName, markers };
  },
};

const [operation = "", directory = ""] = Deno.args;
const found = await OPERATIONS[operation]?.(directory);
console.log(JSON.stringify({ found, peak: peakMemory() }));

function expectVariable(context: Context): Variable {
  const variable = context.getVariable("bytes");
  if (variable === undefined) throw new Error("the variable is missing");
  return variable;
}

function markersOf(variable: Variable): unknown {
  const tensor = variable.value();
  return [0, 2 * GIB - 1, 2 * GIB, 2 * GIB + 1, 3 * GIB - 1].map((index) => tensor.at(index));
}
