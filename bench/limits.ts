import { bytesOf, randomBytes, readPayloads, readyMachine, run, secondsOf, SLICE_BYTES, type Work } from "./work.ts";

/** What the machine can do at best: nothing here goes through Cairn. */

/** `dd` of zeros to a file, with fsync. */
export async function ddAndSync(work: Work): Promise<number> {
  await readyMachine(work);
  const args = [`count=${bytesOf(work)}`, "iflag=count_bytes", "bs=8M", "conv=fsync"];
  return await secondsOf(() => run("dd", ["if=/dev/zero", `of=${work.scratch}/zeros`, ...args]));
}

/** Touched memory to a file in slices, with fsync; no checksums, no rename. */
export async function writeAndSync(work: Work): Promise<number> {
  const bytes = randomBytes(bytesOf(work));
  await readyMachine(work);
  return await secondsOf(async () => {
    using file = await Deno.open(`${work.scratch}/written`, { write: true, createNew: true });
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at, at + SLICE_BYTES));
    await file.sync();
  });
}

/** `cp` of the payload, then fsync of the copy. */
export async function copyAndSync(work: Work): Promise<number> {
  const from = await findFile(work.model, ".bin");
  const to = `${work.scratch}/copy`;
  await readyMachine(work);
  return await secondsOf(async () => {
    await run("cp", ["--reflink=never", from, to]);
    using file = await Deno.open(to, { write: true });
    await file.sync();
  });
}

/** All payloads through one reused buffer. */
export async function readIntoReused(work: Work): Promise<number> {
  const buffer = randomBytes(Math.min(SLICE_BYTES, bytesOf(work)));
  return await secondsOf(() => readPayloads(work, buffer));
}

/** The payload into memory that nobody has touched yet. */
export async function readIntoFresh(work: Work): Promise<number> {
  using file = await Deno.open(await findFile(work.model, ".bin"));
  await readyMachine(work);
  return await secondsOf(() => readFully(file, new Uint8Array(bytesOf(work))));
}

/** The manifest and the bytes of one variable, by plain reads. */
export async function readFirstVariable(work: Work): Promise<number> {
  const [json, bin] = [await findFile(work.model, ".json"), await findFile(work.model, ".bin")];
  await readyMachine(work);
  return await secondsOf(() => {
    Deno.readFileSync(json);
    using file = Deno.openSync(bin);
    readFully(file, new Uint8Array(bytesOf({ ...work, variables: 1 })));
  });
}

/** CRC-32 of touched memory. */
export async function checksum(work: Work): Promise<number> {
  // Here, since a load of many bytes is to pay for loading it.
  const { crc32 } = await import("node:zlib");
  const bytes = randomBytes(bytesOf(work));
  return await secondsOf(() => crc32(bytes));
}

/** A copy into touched memory, as often as there are checkpoints. */
export function copyIntoWarm(work: Work): Promise<number> {
  const from = randomBytes(bytesOf(work));
  const to = randomBytes(bytesOf(work));
  return secondsOf(() => {
    for (let index = 0; index < work.checkpoints; index++) to.set(from);
  });
}

/**
 * A copy of as many arrays as there are variables into touched memory. Copies of 10 MiB are slower than one of as many
 * bytes: the C library writes past the cache only in copies that are far larger than the cache.
 */
export function copyVariablesIntoWarm(work: Work): Promise<number> {
  const length = bytesOf({ ...work, variables: 1 });
  const from = Array.from({ length: work.variables }, () => randomBytes(length));
  const to = randomBytes(bytesOf(work));
  return secondsOf(() => from.forEach((each, index) => to.set(each, index * length)));
}

/** A copy into memory that nobody has touched yet. */
export async function copyIntoFresh(work: Work): Promise<number> {
  const from = randomBytes(bytesOf(work));
  await readyMachine(work);
  return await secondsOf(() => new Uint8Array(from.length).set(from));
}

/** Nothing: its peak is the memory of an idle process that has imported Cairn. */
export function idle(): Promise<number> {
  return Promise.resolve(0);
}

async function findFile(directory: string, suffix: string): Promise<string> {
  for await (const { name } of Deno.readDir(directory)) if (name.endsWith(suffix)) return `${directory}/${name}`;
  throw new Error(`no ${suffix} file in ${directory}`);
}

function readFully(file: Deno.FsFile, into: Uint8Array): void {
  for (let at = 0; at < into.length;) {
    const count = file.readSync(into.subarray(at, at + SLICE_BYTES));
    if (count === null) throw new Error(`the file ended after ${at} of ${into.length} bytes`);
    at += count;
  }
}
