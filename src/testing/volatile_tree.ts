import type { DiskNode } from "./fault_disk.ts";

/** A file as the operating system sees it: bytes in memory, of which a beginning is on the disk. */
export class VolatileFile {
  readonly kind = "file";
  /** What every process reads. */
  bytes: Uint8Array;
  /** What a loss of power leaves for sure. */
  durable: Uint8Array;
  /** From here on, up to {@linkcode lostTo}, bytes were given up by a failed sync: no later one writes them. */
  lostFrom = 0;
  lostTo = 0;
  /** What a reader sees while a process has its lock. */
  lockText: Uint8Array | undefined;

  constructor(durable: Uint8Array) {
    this.durable = durable;
    this.bytes = durable;
  }

  get isSynced(): boolean {
    return this.bytes === this.durable;
  }

  append(bytes: Uint8Array): void {
    const longer = new Uint8Array(this.bytes.length + bytes.length);
    longer.set(this.bytes);
    longer.set(bytes, this.bytes.length);
    this.bytes = longer;
  }

  /** Makes it a lock's file. Its text means nothing once the process is gone, so no disk has it. */
  lockAs(text: Uint8Array): void {
    this.lockText = text;
    this.durable = new Uint8Array();
    this.bytes = this.durable;
  }

  sync(): void {
    if (this.lostTo > this.lostFrom) {
      // Reading still gives the bytes from memory; the disk has a hole.
      const holed = this.bytes.slice();
      holed.fill(0, this.lostFrom, this.lostTo);
      this.durable = holed;
    } else this.durable = this.bytes;
  }

  /** A sync that failed: the system has dropped what was waiting, and will say so only once. */
  loseUnsynced(): void {
    this.lostFrom = this.durable.length;
    this.lostTo = this.bytes.length;
  }
}

/** A change of a directory that is not durable yet. */
export interface PendingChange {
  /** For reports: `create "x"`. */
  readonly what: string;
  readonly directory: VolatileDirectory;
  /** Names that it gives and takes; a rename does both. */
  readonly gives?: { readonly name: string; readonly node: VolatileNode };
  readonly takes?: string;
}

/** A directory as the operating system sees it, and as it is on the disk. */
export class VolatileDirectory {
  readonly kind = "directory";
  readonly entries: Map<string, VolatileNode>;
  readonly durable: Map<string, VolatileNode>;

  constructor(entries: ReadonlyMap<string, VolatileNode> = new Map()) {
    this.entries = new Map(entries);
    this.durable = new Map(entries);
  }
}

export type VolatileNode = VolatileFile | VolatileDirectory;

/** The running system's view of a disk at rest. */
export function wake(node: DiskNode, known = new Map<DiskNode, VolatileNode>()): VolatileNode {
  const found = known.get(node);
  if (found !== undefined) return found;
  const made = node.kind === "file"
    ? new VolatileFile(node.bytes)
    : new VolatileDirectory(new Map([...node.entries].map(([name, each]) => [name, wake(each, known)])));
  known.set(node, made);
  return made;
}

/** A copy of the running system, as it is for the next process: nothing is lost, nothing becomes durable. */
export function copyTree(
  root: VolatileDirectory,
  pending: readonly PendingChange[],
): { readonly root: VolatileDirectory; readonly pending: readonly PendingChange[] } {
  const known = new Map<VolatileNode, VolatileNode>();
  const copyDirectory = (directory: VolatileDirectory): VolatileDirectory => {
    const found = known.get(directory);
    if (found?.kind === "directory") return found;
    const copy = new VolatileDirectory();
    known.set(directory, copy);
    for (const [name, node] of directory.entries) copy.entries.set(name, copyNode(node));
    for (const [name, node] of directory.durable) copy.durable.set(name, copyNode(node));
    return copy;
  };
  const copyFile = (file: VolatileFile): VolatileFile => {
    const found = known.get(file);
    if (found?.kind === "file") return found;
    const copy = new VolatileFile(file.durable);
    copy.bytes = file.bytes;
    copy.lostFrom = file.lostFrom;
    copy.lostTo = file.lostTo;
    known.set(file, copy);
    return copy;
  };
  const copyNode = (node: VolatileNode): VolatileNode => node.kind === "file" ? copyFile(node) : copyDirectory(node);
  const copied = copyDirectory(root);
  return {
    root: copied,
    pending: pending.map((change) => ({
      ...change,
      directory: copyDirectory(change.directory),
      ...(change.gives && { gives: { name: change.gives.name, node: copyNode(change.gives.node) } }),
    })),
  };
}
