/**
 * One operation of npm's safetensors reader in a process of its own, as operation.ts does: `npm_safetensors.ts OPERATION
 * WORK`. The reader takes the bytes of a whole file.
 */

import safetensors from "npm:safetensors@0.0.1";
import { peakMemory } from "../peak_memory.ts";
import { bytesOf, type Operation, readyMachine, secondsOf } from "../work.ts";

/** What the package has; it comes without types. */
interface SafeTensorFile {
  readonly metadata: ReadonlyMap<string, unknown>;
  getTensor(name: string): Uint8Array;
}
const { SafeTensor }: { SafeTensor: new (bytes: Uint8Array) => SafeTensorFile } = safetensors;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  load: (work) => measure(work, bytesOf(work), (file) => [...file.metadata.keys()]),
  first: (work) => measure(work, bytesOf({ ...work, variables: 1 }), () => ["layer_00000/weights"]),
  idle: () => Promise.resolve(0),
};

const [name = "", text = ""] = Deno.args;
if (name === "versions") {
  console.log(`npm safetensors 0.0.1, Deno ${Deno.version.deno}`);
} else {
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(`no operation "${name}"`);
  console.log(await operation(JSON.parse(text)), peakMemory() ?? 0);
}

async function measure(
  work: Parameters<Operation>[0],
  bytes: number,
  wanted: (file: SafeTensorFile) => string[],
): Promise<number> {
  await readyMachine(work);
  let found = 0;
  const seconds = await secondsOf(async () => {
    const file = new SafeTensor(await Deno.readFile(`${work.model}/checkpoint_0.safetensors`));
    found = wanted(file).reduce((sum, each) => sum + file.getTensor(each).byteLength, 0);
  });
  if (found !== bytes) throw new Error(`found ${found} of ${bytes} bytes`);
  return seconds;
}
