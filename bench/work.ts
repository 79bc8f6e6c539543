/** A model, and how often it was saved. */
export interface Model {
  /** Number of variables. */
  readonly variables: number;
  /** Elements of each. */
  readonly elements: number;
  /** Of the elements. */
  readonly dtype: "Float32" | "BFloat16" | "Float64";
  /** Number of checkpoints, with different values. */
  readonly checkpoints: number;
}

/** What one operation is done on. */
export interface Work extends Model {
  /** Directory with the saved checkpoints of the model; empty while they are being made. */
  readonly model: string;
  /** An empty directory. */
  readonly scratch: string;
}

/** Does one operation and gives the seconds that it took; what comes before and after is not counted. */
export type Operation = (work: Work) => Promise<number>;

/** Thrown by an operation that needs what this machine has not; the message says what. */
export class NotSetUp extends Error {}

const ELEMENT_BYTES: Readonly<Record<Model["dtype"], number>> = { BFloat16: 2, Float32: 4, Float64: 8 };

/** Bytes of all variables of one checkpoint. */
export function bytesOf({ variables, elements, dtype }: Model): number {
  return variables * elements * ELEMENT_BYTES[dtype];
}

/** Seconds that `act` takes. */
export async function secondsOf(act: () => unknown): Promise<number> {
  const start = performance.now();
  await act();
  return (performance.now() - start) / 1000;
}

/** Bytes per read or write call where the machine's limits are measured. */
export const SLICE_BYTES = 8 * 1024 * 1024;

/** Random bytes in memory that has been touched. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return repeat(crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536))), length);
}

/** Bytes of random numbers as weights are: no NaN, no infinity, and nothing that repeats, which some tools compress. */
export function randomWeights(dtype: Model["dtype"], elements: number): Uint8Array<ArrayBuffer> {
  const pattern = Float64Array.from({ length: Math.min(elements, 16_384) }, () => 2 * Math.random() - 1);
  const weights = dtype === "Float64" ? new Float64Array(elements) : new Float32Array(elements);
  for (let from = 0; from < elements; from += pattern.length) {
    const factor = 0.5 + Math.random();
    const part = weights.subarray(from, from + pattern.length);
    for (let index = 0; index < part.length; index++) part[index] = (pattern[index] ?? 0) * factor;
  }
  if (dtype !== "BFloat16") return new Uint8Array(weights.buffer);
  return new Uint8Array(Uint16Array.from(new Uint32Array(weights.buffer), (bits) => bits >>> 16).buffer);
}

function repeat(pattern: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += pattern.length) bytes.set(pattern.subarray(0, length - at), at);
  return bytes;
}

/** The payloads of all checkpoints. */
export async function listPayloads(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.filter(({ name }) => name.endsWith(".bin")).map(({ name }) => `${directory}/${name}`).sort();
}

/** Reads the payloads through `buffer`. */
export async function readPayloads(work: Work, buffer: Uint8Array): Promise<void> {
  for (const path of await listPayloads(work.model)) {
    using file = await Deno.open(path);
    while (file.readSync(buffer) !== null);
  }
}

/**
 * Writes as many bytes as the operation will move, and removes them again. A virtual machine gives idle memory back to
 * its host, and who needs it next, for the file system's cache or for itself, pays several times over: without this,
 * the order of the operations would decide. Called right before what is measured.
 */
export async function readyMachine(work: Work): Promise<void> {
  const path = `${work.scratch}/ready`;
  await run("dd", ["if=/dev/zero", `of=${path}`, `count=${bytesOf(work)}`, "iflag=count_bytes", "bs=8M", "conv=fsync"]);
  await Deno.remove(path);
}

/** Runs a command; throws if it fails. */
export async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, stdout: "null", stderr: "piped" }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}
