import { fileError, type FileOperation } from "./file_error.ts";
import type { FileWriter } from "./files.ts";
import { lateWrite } from "./memory_store.ts";
import type { BlobSink } from "./store.ts";

/** Bytes of one write at most, far below the 2,147,479,552 that one call moves: who does not slice has a reason. */
const MAX_WRITE_BYTES = 64 * 1024 * 1024;
/** After so many bytes the disk gets to work while the rest is being written: small files are not worth it. */
const SYNC_BYTES = 8 * 1024 * 1024;

/** Writes a blob's bytes to a file in slices, in call order even if the caller does not wait. */
export class SlicedSink implements BlobSink {
  readonly #writer: FileWriter;
  readonly #operation: FileOperation;
  #last: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #syncFailure: unknown;
  #unsynced = 0;
  /** The sync of everything. */
  #syncingAll: Promise<void> | undefined;
  #finished = false;

  /** Writes to `writer`; `operation` is for messages. */
  constructor(writer: FileWriter, operation: FileOperation) {
    this.#writer = writer;
    this.#operation = operation;
  }

  /** Appends all of `bytes`. After a failure every later write fails with the same error. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#finished) return Promise.reject(lateWrite(this.#operation.path));
    this.#last = this.#last.then(() => this.#append(bytes));
    this.#last.catch(() => {}); // finish() reports it to a caller that did not wait.
    return this.#last;
  }

  /** Takes no more, and begins to sync everything. */
  async beginSync(): Promise<void> {
    this.#finished = true;
    await this.#last;
    this.#syncingAll ??= this.#syncAll();
    this.#syncingAll.catch(() => {}); // sync() reports it.
  }

  /** Waits for the writes so far, takes no more, and throws if one failed. */
  async finish(): Promise<void> {
    this.#finished = true;
    await this.#last;
    await this.#syncing;
    await this.#syncingAll?.catch(() => {}); // The file must stay open until it has ended.
    if (this.#syncFailure !== undefined) throw fileError(this.#syncFailure, this.#operation);
  }

  /** Makes everything durable, after {@linkcode finish}; waits for the sync that was begun, if there is one. */
  async sync(): Promise<void> {
    await (this.#syncingAll ?? this.#syncAll());
  }

  async #syncAll(): Promise<void> {
    await this.#writer.sync();
  }

  /** Keeps one sync of what was written under way. */
  #syncMeanwhile(written: number): void {
    this.#unsynced += written;
    if (this.#unsynced < SYNC_BYTES || this.#syncing !== undefined || this.#syncFailure !== undefined) return;
    this.#unsynced = 0;
    this.#syncing = this.#writer.syncMeanwhile?.()
      .catch((error) => {
        this.#syncFailure = error;
      })
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  async #append(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        const count = await this.#writer.write(bytes.subarray(at, at + MAX_WRITE_BYTES));
        at += count;
        this.#syncMeanwhile(count);
      }
    } catch (error) {
      throw fileError(error, this.#operation);
    }
  }
}
