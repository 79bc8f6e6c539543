// Run by hostile_test.ts, one process for a case: makes hostile input, reads it, prints error code and memory.
import { gzipSync } from "node:zlib";
import { CheckpointError } from "../../src/errors.ts";
import { inflatePayload, inflatePayloadSync, parseManifest } from "../../src/format/mod.ts";

const MEGABYTE = 2 ** 20;
const PLACE = { path: "x" };

const CASES: Record<string, () => () => unknown> = {
  "nested": () => manifest(filled("[", 200)),
  "deep-late": () => manifest(filled("[0],", 200, '{"X":[', "[".repeat(70))),
  "zeros": () => manifest(filled("0,", 200, '{"X":[', "0]}")),
  "keys": () => manifest(filled('"k":0,', 200, '{"X":{', '"k":0}}')),
  "unknown-keys": () => manifest(filled('"k":0,', 200, "{", '"k":0}')),
  "rows": () => manifest(filled('{"ParameterName":"var:/a","DType":"Bool"},', 200, '{"Variables":[', "{}]}")),
  "param-rows": () => manifest(filled('{"Scope":"/","Key":"k"},', 200, '{"Params":[', "{}]}")),
  "string": () => manifest(filled("x", 200, '{"Params":[{"Value":"', '"}]}')),
  "bomb": () => {
    const bytes = bomb();
    return () => inflatePayloadSync(bytes, 8, PLACE);
  },
  "bomb-streamed": () => {
    const bytes = bomb();
    return async () => {
      for await (const _ of inflatePayload(ReadableStream.from([bytes]), 8, PLACE));
    };
  },
};

/** 1 GiB of zeros in many members, made without holding them. */
function bomb(): Uint8Array {
  const member = gzipSync(new Uint8Array(MEGABYTE / 4));
  const bytes = new Uint8Array(4096 * member.length);
  for (let index = 0; index < 4096; index++) bytes.set(member, index * member.length);
  return bytes;
}

function manifest(bytes: Uint8Array): () => unknown {
  return () => parseManifest(bytes, PLACE);
}

/** About so many MiB of one text repeated. */
function filled(text: string, megabytes: number, start = "", end = ""): Uint8Array {
  const unit = new TextEncoder().encode(text);
  const head = new TextEncoder().encode(start);
  const tail = new TextEncoder().encode(end);
  const count = Math.floor(megabytes * MEGABYTE / unit.length);
  const bytes = new Uint8Array(head.length + count * unit.length + tail.length);
  bytes.set(head);
  bytes.set(unit, head.length);
  // Doubles what is there until it is full.
  const body = bytes.subarray(head.length, head.length + count * unit.length);
  for (let size = unit.length; size < body.length; size *= 2) {
    body.copyWithin(size, 0, Math.min(size, body.length - size));
  }
  bytes.set(tail, head.length + body.length);
  return bytes;
}

/** Largest resident memory so far, in MiB; present memory where the system does not tell. */
function peak(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1]) / 1024;
  } catch {
    return Deno.memoryUsage().rss / MEGABYTE;
  }
}

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "none";
  } catch (error) {
    return error instanceof CheckpointError ? error.code : String(error);
  }
}

const work = CASES[Deno.args[0] ?? ""]?.();
if (work !== undefined) {
  const before = peak();
  const code = await codeOf(work);
  console.log(JSON.stringify({ code, megabytes: peak() - before }));
}
