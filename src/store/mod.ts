/**
 * Where bytes live: the {@linkcode Store} interface, a directory ({@linkcode LocalStore}), memory
 * ({@linkcode MemoryStore}) and read-only blobs of a module ({@linkcode EmbeddedStore}). Knows nothing of checkpoints.
 *
 * @module
 */
export type { BlobInfo, BlobSink, ReadHandle, Store, StoreLock } from "./store.ts";
export { blobPlace } from "./store.ts";
export { DenoFiles } from "./deno_files.ts";
export { EmbeddedStore } from "./embedded_store.ts";
export type { FileEntry, FileKind, FileOnDisk, FileReader, Files, FilesSync, FileStat, FileWriter } from "./files.ts";
export { type MappedBytes, type MappedFile, releaseWindow } from "./map_file.ts";
export { LocalStore, type LocalStoreOptions } from "./local_store.ts";
export { MemoryStore } from "./memory_store.ts";
