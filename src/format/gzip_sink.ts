import { crc32 } from "./crc32.ts";
import { nodeZlib } from "./node_zlib.ts";

/** Takes bytes in order. */
export interface ByteSink {
  /** Appends all of `bytes`; the caller may reuse the buffer after the promise resolves. */
  write(bytes: Uint8Array): Promise<void>;
}

/** As Go writes it: no time, no flags, unknown system. */
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/** An empty stored block that is the last one; Go ends a stream so, after a sync flush. */
const LAST_BLOCK = [1, 0, 0, 0xff, 0xff];
/** Compressed bytes are passed on in pieces of at most this size. */
const CHUNK_BYTES = 2 ** 18;

/**
 * Compresses into a gzip stream in the form that Go writes. Compressed bytes differ from Go's, which has its own
 * deflate; the header, the flush before the end and an empty stream are the same.
 * Source: GoMLX `checkpoints.Handler.Save`, Go `compress/gzip`.
 */
export class GzipSink implements ByteSink {
  readonly #to: ByteSink;
  readonly #deflate = nodeZlib().createDeflateRaw({ chunkSize: CHUNK_BYTES });
  #ready: Uint8Array[] = [new Uint8Array(HEADER)];
  #failure: Error | undefined;
  #crc = 0;
  #size = 0;

  /** Compresses into `to`, which is not closed. */
  constructor(to: ByteSink) {
    this.#to = to;
    this.#deflate.on("data", (block: Uint8Array) => {
      // A plain view: the `slice` of node's Buffer does not copy.
      this.#ready.push(new Uint8Array(block.buffer, block.byteOffset, block.length));
    });
    this.#deflate.on("error", (error: Error) => this.#failure = error);
  }

  /** Compresses `bytes`; what comes out goes on at once. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#crc = crc32(bytes, this.#crc);
    this.#size += bytes.length;
    await new Promise<void>((resolve, reject) => {
      this.#deflate.write(bytes, (error) => error ? reject(error) : resolve());
    });
    await this.#passOn();
  }

  /** Ends the gzip stream; nothing can be written after. */
  async finish(): Promise<void> {
    await new Promise<void>((resolve) => this.#deflate.flush(nodeZlib().constants.Z_SYNC_FLUSH, () => resolve()));
    const trailer = new DataView(new ArrayBuffer(8));
    trailer.setUint32(0, this.#crc, true);
    trailer.setUint32(4, this.#size % 2 ** 32, true);
    this.#ready.push(new Uint8Array(LAST_BLOCK), new Uint8Array(trailer.buffer));
    await this.#passOn();
    this.#deflate.destroy();
  }

  async #passOn(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const blocks = this.#ready;
    this.#ready = [];
    try {
      for (const block of blocks) await this.#to.write(block);
    } catch (error) {
      this.#deflate.destroy();
      throw error;
    }
  }
}
