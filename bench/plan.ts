import type { Peer, PeerOperation } from "./peers/peers.ts";
import { bytesOf, type Model } from "./work.ts";

/** A model that operations are measured on. */
export interface DataSet extends Model {
  /** Names its directory. */
  readonly name: string;
}

/** Whether the operating system has the files in memory when an operation begins. */
export type Cache = "warm" | "cold";

/** One row of the report. */
export interface Row {
  /** What is measured, for readers. */
  readonly title: string;
  /** Exported by limits.ts, cairn.ts or mean.ts; `importPackage` and `importSources` are the file import_time.ts; or a peer's. */
  readonly operation: string;
  readonly data: DataSet;
  readonly cache: Cache;
  /** Who does it; undefined: Cairn, or the machine itself. */
  readonly peer: Peer | undefined;
  /** Bytes that it moves; undefined where that says nothing. */
  readonly bytes: number | undefined;
  /** The limit that it's compared with. */
  readonly beside: Row | undefined;
}

/** The same work done by Cairn and by the peers. */
export interface Contest {
  readonly title: string;
  readonly cairn: readonly Row[];
  readonly peers: readonly Row[];
}

/** What is measured, in the order of one round. */
export interface Plan {
  readonly dataSets: readonly DataSet[];
  readonly limits: readonly Row[];
  readonly cairn: readonly Row[];
  readonly contests: readonly Contest[];
  /** Each peer's process without work. */
  readonly idlePeers: readonly Row[];
}

/** How large the data sets are. */
export interface Sizes {
  /** A few large variables. */
  readonly large: { readonly bytes: number; readonly variables: number };
  /** Many small ones. */
  readonly many: { readonly bytes: number; readonly variables: number };
  /** Each of the checkpoints of which means are taken. */
  readonly mean: { readonly bytes: number; readonly variables: number };
}

/** The plan for data of these sizes, with these peers. */
export function planOf(sizes: Sizes, peers: readonly Peer[]): Plan {
  const large = dataSet("large", sizes.large);
  const many = dataSet("many", sizes.many);
  const single = dataSet("mean", sizes.mean, 5);
  const half = dataSet("mean-bfloat16", sizes.mean, 5, "BFloat16");
  const double = dataSet("mean-float64", sizes.mean, 5, "Float64");
  const manyMean = dataSet("mean-many", sizes.many, 3);
  const written = row("writeAndSync", large, "write from touched memory + fsync");
  const copied = row("copyAndSync", large, "cp + fsync");
  const read = row("readIntoFresh", large, "warm read into fresh memory");
  const readCold = row("readIntoFresh", large, "cold read into fresh memory", { cache: "cold" });
  const first = row("readFirstVariable", large, "plain read of manifest and first variable", { small: true });
  const copiedVariables = row("copyVariablesIntoWarm", large, "memcpy of each variable into touched memory");
  const copiedMany = row("copyVariablesIntoWarm", many, "memcpy of each variable into touched memory");
  const dd = row("ddAndSync", large, "dd of zeros, conv=fsync");
  const writtenMany = row("writeAndSync", many, "write from touched memory + fsync");
  const readMany = row("readIntoFresh", many, "warm read into fresh memory");
  const firstMany = row("readFirstVariable", many, "plain read of manifest and first variable", { small: true });
  const readMean = row("readIntoReused", single, "warm read into a reused buffer");
  const readManyMean = row("readIntoReused", manyMean, "warm read into a reused buffer");
  const idle = (operation: string, title: string): Row => ({ ...row(operation, large, "", { small: true }), title });
  const save = row("save", large, "durable save", { beside: dd });
  const load = row("loadAll", large, "load all, immediate()", { beside: read });
  const loadCold = row("loadAll", large, "load all, immediate(), cold", { beside: readCold, cache: "cold" });
  const loadMapped = row("loadMapped", large, "load all, mapped", { beside: read });
  const open = row("openAndReadFirst", large, "lazy open + first variable", { beside: first, small: true });
  const again = "lazy open + first variable, again in the same process";
  const openAgain = row("openAndReadFirstAgain", large, again, { beside: first, small: true });
  const openCold = row("openAndReadFirst", large, "lazy open + first variable, cold", { small: true, cache: "cold" });
  const saveMany = row("save", many, "durable save", { beside: writtenMany });
  const loadMany = row("loadAll", many, "load all, immediate()", { beside: readMany });
  const loadManyCold = row("loadAll", many, "load all, immediate(), cold", { cache: "cold" });
  const openMany = row("openAndReadFirst", many, "lazy open + first variable", { beside: firstMany, small: true });
  const openManyAgain = row("openAndReadFirstAgain", many, again, { beside: firstMany, small: true });
  const openManyCold = row("openAndReadFirst", many, "lazy open + first variable, cold", {
    small: true,
    cache: "cold",
  });
  const meanOnHost = row("meanOnHost", single, "mean on host", { beside: readMean });
  const meanOnHostCold = row("meanOnHost", single, "mean on host, cold", { cache: "cold" });
  const meanOnTfjsNode = row("meanOnTfjsNode", single, "mean on tfjs-node", { beside: readMean });
  const meanMapped = row("meanMappedOnTfjsNode", single, "mean on tfjs-node, mapped", { beside: readMean });
  const contest = (title: string, operation: PeerOperation, cairn: readonly Row[]): Contest => ({
    title,
    cairn,
    peers: cairn.slice(0, 1).flatMap((ours) =>
      peers.filter(({ operations }) => operations.includes(operation)).map((peer) => rowOfPeer(peer, operation, ours))
    ),
  });
  return {
    dataSets: [large, many, single, half, double, manyMean],
    limits: [
      dd,
      written,
      copied,
      row("readIntoReused", large, "warm read into a reused buffer"),
      read,
      readCold,
      row("checksum", large, "CRC-32"),
      row("copyIntoWarm", large, "memcpy into touched memory"),
      copiedVariables,
      row("copyIntoFresh", large, "memcpy into fresh memory"),
      first,
      writtenMany,
      copiedMany,
      readMany,
      firstMany,
      readMean,
      row("copyIntoWarm", single, "memcpy into touched memory"),
      readManyMean,
      idle("idle", "idle process"),
      idle("idleTfjsCpu", "idle process with tfjs cpu"),
      idle("idleTfjsWasm", "idle process with tfjs wasm"),
      idle("idleTfjsNode", "idle process with tfjs-node"),
    ],
    cairn: [
      save,
      row("saveUnread", large, "durable save of values still in a file", { beside: copied }),
      row("saveInBackground", large, "caller blocked by a save in the background", { beside: copiedVariables }),
      load,
      loadCold,
      loadMapped,
      open,
      openAgain,
      openCold,
      saveMany,
      row("saveUnread", many, "durable save of values still in a file", { beside: writtenMany }),
      row("saveInBackground", many, "caller blocked by a save in the background", { beside: copiedMany }),
      loadMany,
      loadManyCold,
      openMany,
      openManyAgain,
      openManyCold,
      meanOnHost,
      meanOnHostCold,
      row("meanOnTfjsCpu", single, "mean on tfjs cpu", { beside: readMean }),
      row("meanOnTfjsWasm", single, "mean on tfjs wasm", { beside: readMean }),
      meanOnTfjsNode,
      row("meanMappedOnHost", single, "mean on host, mapped", { beside: readMean }),
      meanMapped,
      row("meanOnHost", half, "mean on host", { beside: readMean }),
      row("meanOnHost", double, "mean on host", { beside: readMean }),
      row("meanOnHost", manyMean, "mean on host", { beside: readManyMean }),
      idle("importPackage", "import of mod.ts as it is published"),
      idle("importSources", "import of mod.ts from its sources"),
    ],
    contests: [
      contest(`Durable save, ${dataText(large)}`, "save", [save]),
      contest(`Load everything, ${dataText(large)}`, "load", [load, loadMapped]),
      contest(`Load everything, cold, ${dataText(large)}`, "load", [loadCold]),
      contest(`Open and read the first variable, ${dataText(large)}`, "first", [open]),
      contest(`Open and read the first variable, cold, ${dataText(large)}`, "first", [openCold]),
      contest(`Durable save, ${dataText(many)}`, "save", [saveMany]),
      contest(`Load everything, ${dataText(many)}`, "load", [loadMany]),
      contest(`Load everything, cold, ${dataText(many)}`, "load", [loadManyCold]),
      contest(`Open and read the first variable, ${dataText(many)}`, "first", [openMany]),
      contest(`Open and read the first variable, cold, ${dataText(many)}`, "first", [openManyCold]),
      contest(`Mean, ${dataText(single)}`, "mean", [meanOnHost, meanOnTfjsNode, meanMapped]),
      contest(`Mean, cold, ${dataText(single)}`, "mean", [meanOnHostCold]),
    ],
    idlePeers: peers.map((peer) => ({ ...rowOfPeer(peer, "idle", open), title: `${peer.name}: idle process` })),
  };
}

/** All rows of the plan; what is compared with each other is done one after the other, and meets the same disk. */
export function rowsOf(plan: Plan): Row[] {
  const compared = plan.cairn.flatMap((each) => each.beside === undefined ? [each] : [each.beside, each]);
  const others = plan.limits.filter((each) => !compared.includes(each));
  const contests = plan.contests.flatMap(({ cairn, peers }) => [...cairn, ...peers]);
  const all = [...new Set([...others, ...compared, ...contests, ...plan.idlePeers])];
  return all.sort((a, b) => placeOf(plan, a) - placeOf(plan, b));
}

/** The directory of the files that an operation reads. */
export function directoryName({ data, peer }: Row): string {
  return peer === undefined ? data.name : `${data.name}-${peer.format}`;
}

/** Rows that are in no contest come first. */
function placeOf(plan: Plan, row: Row): number {
  return plan.contests.findIndex(({ cairn, peers }) =>
    peers.includes(row) || cairn.some((each) => each === row || each.beside === row)
  );
}

function dataSet(name: string, size: Sizes["large"], checkpoints = 1, dtype: DataSet["dtype"] = "Float32"): DataSet {
  const elements = Math.floor(size.bytes / size.variables / bytesOf({ variables: 1, elements: 1, dtype, checkpoints }));
  return { name, variables: size.variables, elements, dtype, checkpoints };
}

interface RowOptions {
  readonly beside?: Row;
  readonly cache?: Cache;
  /** It moves few of the bytes. */
  readonly small?: boolean;
}

function row(operation: string, data: DataSet, title: string, options: RowOptions = {}): Row {
  const { beside, cache = "warm", small = false } = options;
  const bytes = small ? undefined : bytesOf(data) * data.checkpoints;
  return { title: `${title}, ${dataText(data)}`, operation, data, cache, peer: undefined, bytes, beside };
}

/** What the peer does where Cairn does `ours`. */
function rowOfPeer(peer: Peer, operation: PeerOperation, ours: Row): Row {
  return { ...ours, title: `${peer.name}: ${ours.title}`, operation, peer, beside: undefined };
}

/** `1 GiB in 100 variables`, or `5 × 256 MiB Float32 in 25 variables`. */
function dataText(data: DataSet): string {
  const mebibytes = bytesOf(data) / 2 ** 20;
  const size = mebibytes >= 1023 ? `${(mebibytes / 1024).toFixed(2)} GiB` : `${mebibytes.toFixed(1)} MiB`;
  const all = data.checkpoints === 1 ? size : `${data.checkpoints} × ${size} ${data.dtype}`;
  return `${all.replace(/\.0+(?= )/, "")} in ${data.variables.toLocaleString("en")} variables`;
}
