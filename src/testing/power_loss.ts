import { type DiskDirectory, type DiskFile, type DiskNode, FaultDisk } from "./fault_disk.ts";
import type { PendingChange, VolatileDirectory, VolatileFile, VolatileNode } from "./volatile_tree.ts";

/** Up to so many waiting changes every subset of them is tried, beyond that the telling ones. */
const ALL_SUBSETS_OF = 4;

/** What became of the bytes that were written and not synced. */
interface DataLoss {
  readonly what: string;
  bytesOf(file: VolatileFile): Uint8Array;
}

/**
 * Every disk that a loss of power may leave: each directory change that was not synced came through or not, alone or
 * with others (which covers any order), a rename also half (both names); the bytes that were not synced are gone, cut
 * anywhere that tells, zeroed, or all there.
 */
export function* disksAfter(
  root: VolatileDirectory,
  pending: readonly PendingChange[],
  pageSize: number,
): Generator<FaultDisk> {
  const losses = dataLosses(unsyncedFiles(root, pending), pageSize);
  for (const [kept, halved] of keptChanges(pending)) {
    for (const loss of losses) {
      const lost = pending.filter((each) => !kept.has(each)).map((each) => `lost: ${each.what}`);
      if (halved !== undefined) lost.push(`half done: ${halved.what}`);
      if (loss.what !== "") lost.push(loss.what);
      yield new FaultDisk(freeze(root, kept, halved, loss, pending), lost.join("; "));
    }
  }
}

/** The disk that is left if the system goes on and everything is written in the end. */
export function diskOf(root: VolatileDirectory): FaultDisk {
  return new FaultDisk(settle(root, new Map()), "");
}

function settle(directory: VolatileDirectory, known: Map<VolatileFile, DiskFile>): DiskDirectory {
  const entries = [...directory.entries].map(([name, node]): [string, DiskNode] => [
    name,
    node.kind === "directory" ? settle(node, known) : diskFile(node, node.bytes, known),
  ]);
  return { kind: "directory", entries: new Map(entries) };
}

function diskFile(file: VolatileFile, bytes: Uint8Array, known: Map<VolatileFile, DiskFile>): DiskFile {
  const made = known.get(file) ?? { kind: "file", bytes };
  known.set(file, made);
  return made;
}

function freeze(
  root: VolatileDirectory,
  kept: ReadonlySet<PendingChange>,
  halved: PendingChange | undefined,
  loss: DataLoss,
  pending: readonly PendingChange[],
): DiskDirectory {
  const known = new Map<VolatileFile, DiskFile>();
  const freezeNode = (node: VolatileNode): DiskNode => {
    if (node.kind === "file") return diskFile(node, node.isSynced ? node.durable : loss.bytesOf(node), known);
    const entries = new Map(node.durable);
    for (const change of pending) {
      if (change.directory !== node || !kept.has(change)) continue;
      if (change.takes !== undefined && change !== halved) entries.delete(change.takes);
      if (change.gives !== undefined) entries.set(change.gives.name, change.gives.node);
    }
    return { kind: "directory", entries: new Map([...entries].map(([name, each]) => [name, freezeNode(each)])) };
  };
  const frozen = freezeNode(root);
  return frozen.kind === "directory" ? frozen : { kind: "directory", entries: new Map() };
}

function* keptChanges(
  pending: readonly PendingChange[],
): Generator<readonly [ReadonlySet<PendingChange>, PendingChange | undefined]> {
  for (const kept of subsets(pending)) {
    yield [kept, undefined];
    for (const change of kept) {
      if (change.takes !== undefined && change.gives !== undefined) yield [kept, change];
    }
  }
}

function* subsets(pending: readonly PendingChange[]): Generator<ReadonlySet<PendingChange>> {
  const count = pending.length;
  if (count <= ALL_SUBSETS_OF) {
    for (let bits = 0; bits < 2 ** count; bits++) yield new Set(pending.filter((_, i) => bits & (1 << i)));
    return;
  }
  yield new Set();
  yield new Set(pending);
  for (let i = 0; i < count; i++) {
    yield new Set(pending.slice(0, i)); // the rest came too late
    yield new Set(pending.slice(i)); // a later one overtook the earlier
    yield new Set([...pending.slice(i, i + 1)]);
    yield new Set([...pending.slice(0, i), ...pending.slice(i + 1)]);
  }
}

function unsyncedFiles(root: VolatileDirectory, pending: readonly PendingChange[]): readonly VolatileFile[] {
  const found = new Set<VolatileFile>();
  const visit = (node: VolatileNode): void => {
    if (node.kind === "file") {
      if (!node.isSynced) found.add(node);
      return;
    }
    for (const each of [...node.entries.values(), ...node.durable.values()]) visit(each);
  };
  visit(root);
  for (const { gives } of pending) if (gives !== undefined) visit(gives.node);
  return [...found];
}

function dataLosses(unsynced: readonly VolatileFile[], pageSize: number): readonly DataLoss[] {
  const all: DataLoss = { what: "", bytesOf: (file) => holed(file) };
  if (unsynced.length === 0) return [all];
  const none: DataLoss = { what: "lost: all bytes that were not synced", bytesOf: (file) => file.durable };
  const longest = Math.max(...unsynced.map((file) => file.bytes.length - file.durable.length));
  if (longest === 0) return [none];
  const losses = [none, all];
  for (const cut of cuts(longest, pageSize)) {
    losses.push({ what: `torn: ${cut} bytes after the last sync`, bytesOf: (file) => prefix(file, cut) });
    losses.push({
      what: `zeroed: from ${cut} bytes after the last sync`,
      bytesOf: (file) => zeroed(file, cut, Infinity),
    });
  }
  for (let at = 0; at < longest; at += pageSize) {
    losses.push({ what: `zeroed: the page at ${at} bytes`, bytesOf: (file) => zeroed(file, at, at + pageSize) });
  }
  return losses;
}

/** Where a prefix ends that tells: within a page, at each page, one byte short. */
function cuts(length: number, pageSize: number): number[] {
  const found = new Set([1, length >> 1, length - 1]);
  for (let at = pageSize; at < length; at += pageSize) found.add(at);
  found.add(0);
  return [...found].filter((cut) => cut >= 0 && cut < length);
}

function holed(file: VolatileFile): Uint8Array {
  if (file.lostTo <= file.lostFrom) return file.bytes;
  const copy = file.bytes.slice();
  copy.fill(0, file.lostFrom, file.lostTo);
  return copy;
}

function prefix(file: VolatileFile, cut: number): Uint8Array {
  return holed(file).subarray(0, Math.min(file.durable.length + cut, file.bytes.length));
}

function zeroed(file: VolatileFile, from: number, to: number): Uint8Array {
  const copy = holed(file).slice();
  const start = file.durable.length;
  copy.fill(0, Math.min(start + from, copy.length), Math.min(start + to, copy.length));
  return copy;
}
