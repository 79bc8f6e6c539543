/** What a disk holds after the power came back: directories and files by name. */
export type DiskNode = DiskFile | DiskDirectory;

/** A file of a {@linkcode FaultDisk}; two hard links are one object. */
export interface DiskFile {
  /** Tells it from a directory. */
  readonly kind: "file";
  /** Its bytes. */
  readonly bytes: Uint8Array;
}

/** A directory of a {@linkcode FaultDisk}. */
export interface DiskDirectory {
  /** Tells it from a file. */
  readonly kind: "directory";
  /** Its entries by name. */
  readonly entries: ReadonlyMap<string, DiskNode>;
}

/**
 * A disk at rest: all that is on it is durable. Made by {@linkcode FaultFiles.disksAfterPowerLoss} and its like, and
 * given to a new {@linkcode FaultFiles} to go on with.
 *
 * @example
 * ```ts
 * import { FaultDisk, FaultFiles } from "@cairn/checkpoints/testing";
 *
 * const files = new FaultFiles(FaultDisk.EMPTY);
 * const writer = await files.create("/a");
 * await writer.write(new TextEncoder().encode("hello"));
 * console.log(files.diskNow().toString()); // "/a" 5 bytes
 * ```
 */
export class FaultDisk {
  /** A disk with nothing but its root directory. */
  static readonly EMPTY: FaultDisk = new FaultDisk({ kind: "directory", entries: new Map() }, "");
  /** The directory `/`. */
  readonly root: DiskDirectory;
  /** How it came about: what was lost and what was torn. "" if nothing was. */
  readonly history: string;
  #fingerprint: string | undefined;
  #outline: string | undefined;

  /** Makes a disk. */
  constructor(root: DiskDirectory, history: string) {
    this.root = root;
    this.history = history;
  }

  /** Equal for two disks with the same names and bytes; UUIDs in names count as equal. */
  get fingerprint(): string {
    return this.#fingerprint ??= fingerprintOf(this.root, true);
  }

  /** The same without the bytes of files that have a UUID in their names: nobody knows such a name after a crash. */
  get outline(): string {
    return this.#outline ??= fingerprintOf(this.root, false);
  }

  /** One line for each file: path and size in bytes. */
  toString(): string {
    return linesOf("", this.root).join("\n");
  }
}

/** Bytes seen so far; a disk of a crash shares most of its files with thousands of others. */
const IDS = new Map<string, number>();
const KNOWN = new WeakMap<Uint8Array, number>();
const LATIN1 = new TextDecoder("latin1");
/** In a name, the part that nobody can foretell. */
export const UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/;

function fingerprintOf(directory: DiskDirectory, withAllBytes: boolean): string {
  const parts: string[] = [];
  for (const [name, node] of directory.entries) {
    const anonymous = name.replace(UUID, "*");
    const content = node.kind === "directory"
      ? `{${fingerprintOf(node, withAllBytes)}}`
      : withAllBytes || anonymous === name
      ? contentId(node.bytes)
      : "";
    parts.push(`${anonymous}=${content}`);
  }
  return parts.sort().join(";");
}

function contentId(bytes: Uint8Array): number {
  const known = KNOWN.get(bytes);
  if (known !== undefined) return known;
  const text = LATIN1.decode(bytes);
  const id = IDS.get(text) ?? IDS.size;
  IDS.set(text, id);
  KNOWN.set(bytes, id);
  return id;
}

function linesOf(path: string, directory: DiskDirectory): string[] {
  const lines: string[] = [];
  for (const [name, node] of [...directory.entries].sort(([a], [b]) => a < b ? -1 : 1)) {
    const inner = `${path}/${name}`;
    if (node.kind === "file") lines.push(`"${inner}" ${node.bytes.length} bytes`);
    else lines.push(`"${inner}/"`, ...linesOf(inner, node));
  }
  return lines;
}
