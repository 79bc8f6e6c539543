/** What one operation is done on. */
export interface Work {
  /** Number of variables. */
  readonly variables: number;
  /** Float32 elements of each. */
  readonly elements: number;
  /** Directory with one saved checkpoint of these variables; empty while it is being made. */
  readonly model: string;
  /** An empty directory. */
  readonly scratch: string;
}

/** Does one operation and gives the seconds that it took; what comes before and after is not counted. */
export type Operation = (work: Work) => Promise<number>;

/** Bytes of all variables. */
export function bytesOf({ variables, elements }: Pick<Work, "variables" | "elements">): number {
  return variables * elements * Float32Array.BYTES_PER_ELEMENT;
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
  const bytes = new Uint8Array(length);
  const seed = crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536)));
  for (let at = 0; at < length; at += seed.length) bytes.set(seed.subarray(0, length - at), at);
  return bytes;
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
