import { CorruptError, type ErrorPlace, LimitError, messageOf } from "../errors.ts";
import { MAX_EXTRA_BYTES } from "./limits.ts";
import { nodeStream, nodeZlib } from "./node_zlib.ts";

/** One output buffer up to this size, so that the payload is not put together from parts; zlib counts in 32 bits. */
const MAX_CHUNK_BYTES = 2 ** 30;
/** zlib takes no smaller buffer. */
const MIN_CHUNK_BYTES = 64;
/** Size of the blocks that {@linkcode inflatePayload} yields. */
const BLOCK_BYTES = 2 ** 18;

/**
 * Inflates a whole payload, of one or more gzip members, and returns its first `payloadSize` bytes. Takes as much
 * memory as it returns (twice that above 1 GiB). `payloadSize` must have passed `checkPayload`.
 *
 * @throws {CorruptError} The stream is damaged or cut, holds less, or something follows it.
 * @throws {LimitError} It holds much more: a gzip bomb.
 */
export function inflatePayloadSync(compressed: Uint8Array, payloadSize: number, place: ErrorPlace): Uint8Array {
  const maxOutputLength = payloadSize + MAX_EXTRA_BYTES;
  const chunkSize = Math.min(Math.max(maxOutputLength, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES);
  const { buffer, consumed } = gunzip(compressed, { maxOutputLength, chunkSize, info: true }, payloadSize, place);
  expectAllConsumed(consumed, compressed.length, place);
  expectEnough(buffer.length, payloadSize, place);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, payloadSize);
}

function gunzip(
  compressed: Uint8Array,
  options: { readonly maxOutputLength: number; readonly chunkSize: number; readonly info: true },
  payloadSize: number,
  place: ErrorPlace,
): { readonly buffer: Uint8Array; readonly consumed: number } {
  try {
    // With `info` zlib returns its engine too, which knows how far it has read: zeros after the stream are no error
    // to zlib, but are to GoMLX.
    const result: unknown = nodeZlib().gunzipSync(compressed, options);
    return { buffer: bufferOf(result), consumed: consumedOf(result) ?? compressed.length };
  } catch (error) {
    if (isTooLarge(error)) throw bomb(payloadSize, place);
    throw damaged(error, place);
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

function bufferOf(result: unknown): Uint8Array {
  if (result instanceof Uint8Array) return result;
  if (typeof result === "object" && result !== null && "buffer" in result && result.buffer instanceof Uint8Array) {
    return result.buffer;
  }
  throw new TypeError("zlib returned no buffer");
}

function consumedOf(result: unknown): number | undefined {
  if (typeof result !== "object" || result === null || !("engine" in result)) return undefined;
  const { engine } = result;
  if (typeof engine !== "object" || engine === null || !("bytesWritten" in engine)) return undefined;
  return typeof engine.bytesWritten === "number" ? engine.bytesWritten : undefined;
}

/**
 * The same from a stream, block by block, in little memory. Each block is valid until the next one is asked for.
 *
 * @throws {CorruptError} As {@linkcode inflatePayloadSync}; when it is thrown, blocks may have been yielded already.
 * @throws {LimitError} As {@linkcode inflatePayloadSync}.
 */
export async function* inflatePayload(
  blocks: AsyncIterable<Uint8Array>,
  payloadSize: number,
  place: ErrorPlace,
): AsyncGenerator<Uint8Array> {
  const counter = new CountedBlocks(blocks);
  const source = nodeStream().Readable.from(counter);
  const inflater = nodeZlib().createGunzip({ chunkSize: BLOCK_BYTES });
  source.on("error", (error) => inflater.destroy(error));
  // Errors come through the iterator; one that comes after its end must not be uncaught.
  inflater.on("error", () => {});
  source.pipe(inflater);
  let size = 0;
  try {
    for await (const block of inflated(inflater, counter, place)) {
      const wanted = Math.max(0, payloadSize - size);
      size += block.length;
      if (size > payloadSize + MAX_EXTRA_BYTES) throw bomb(payloadSize, place);
      if (wanted > 0) yield wanted < block.length ? block.subarray(0, wanted) : block;
    }
    // zlib stops at zeros after the stream, so that the source may not have been asked for its last block.
    await counter.readOn();
    expectAllConsumed(inflater.bytesWritten, counter.count, place);
    expectEnough(size, payloadSize, place);
  } finally {
    source.destroy();
    inflater.destroy();
    await counter.close();
  }
}

/** The inflater's blocks; its errors become ours, those of the source stay. */
async function* inflated(
  inflater: AsyncIterable<unknown>,
  source: CountedBlocks,
  place: ErrorPlace,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const block of inflater) {
      // A plain view: the `slice` of node's Buffer does not copy.
      if (block instanceof Uint8Array) yield new Uint8Array(block.buffer, block.byteOffset, block.length);
    }
  } catch (error) {
    throw error === source.error ? error : damaged(error, place);
  }
}

/** Passes blocks on, counts their bytes and remembers why it failed. */
class CountedBlocks implements AsyncIterable<Uint8Array> {
  /** Bytes so far. */
  count = 0;
  /** What the blocks threw. */
  error: unknown;
  readonly #blocks: AsyncIterator<Uint8Array>;

  constructor(blocks: AsyncIterable<Uint8Array>) {
    this.#blocks = blocks[Symbol.asyncIterator]();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (let next = await this.#blocks.next(); next.done !== true; next = await this.#blocks.next()) {
        this.count += next.value.length;
        // zlib takes an empty block for the end.
        if (next.value.length > 0) yield next.value;
      }
    } catch (error) {
      this.error = error;
      throw error;
    }
  }

  /** Counts the next block that is not empty. */
  async readOn(): Promise<void> {
    await this[Symbol.asyncIterator]().next();
  }

  /** Lets go of the blocks. */
  async close(): Promise<void> {
    await this.#blocks.return?.();
  }
}

function expectAllConsumed(consumed: number, total: number, place: ErrorPlace): void {
  if (consumed === total) return;
  throw new CorruptError(
    `Cannot read payload "${place.path}": ${total - consumed} bytes follow the gzip stream, wanted none`,
    place,
  );
}

function expectEnough(size: number, payloadSize: number, place: ErrorPlace): void {
  if (size >= payloadSize) return;
  throw new CorruptError(
    `Cannot read payload "${place.path}": it inflates to ${size} bytes, wanted ${payloadSize}`,
    place,
  );
}

function bomb(payloadSize: number, place: ErrorPlace): LimitError {
  return new LimitError(
    `Cannot read payload "${place.path}": it inflates to more than ${payloadSize + MAX_EXTRA_BYTES} bytes, while the ` +
      `manifest wants ${payloadSize}`,
    place,
  );
}

function damaged(cause: unknown, place: ErrorPlace): CorruptError {
  return new CorruptError(`Cannot read payload "${place.path}": its gzip stream is damaged: ${messageOf(cause)}`, {
    ...place,
    cause,
  });
}
