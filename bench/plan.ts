import { bytesOf, type Model } from "./work.ts";

/** A model that operations are measured on. */
export interface DataSet extends Model {
  /** Names its directory. */
  readonly name: string;
}

/** One row of the report. */
export interface Row {
  /** What is measured, for readers. */
  readonly title: string;
  /** Exported by limits.ts, cairn.ts or mean.ts; `importTime` is the file import_time.ts. */
  readonly operation: string;
  readonly data: DataSet;
  /** Bytes that it moves; undefined where that says nothing. */
  readonly bytes: number | undefined;
  /** The limit that it's compared with. */
  readonly beside: Row | undefined;
}

/** What is measured, in the order of one round. */
export interface Plan {
  readonly dataSets: readonly DataSet[];
  readonly limits: readonly Row[];
  readonly cairn: readonly Row[];
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

/** The plan for data of these sizes. */
export function planOf(sizes: Sizes): Plan {
  const large = dataSet("large", sizes.large);
  const many = dataSet("many", sizes.many);
  const single = dataSet("mean", sizes.mean, 5);
  const half = dataSet("mean-bfloat16", sizes.mean, 5, "BFloat16");
  const double = dataSet("mean-float64", sizes.mean, 5, "Float64");
  const manyMean = dataSet("mean-many", sizes.many, 3);
  const written = row("writeAndSync", large, "write from touched memory + fsync");
  const copied = row("copyAndSync", large, "cp + fsync");
  const read = row("readIntoFresh", large, "warm read into fresh memory");
  const first = { ...row("readFirstVariable", large, "plain read of manifest and first variable"), bytes: undefined };
  const dd = row("ddAndSync", large, "dd of zeros, conv=fsync");
  const writtenMany = row("writeAndSync", many, "write from touched memory + fsync");
  const readMany = row("readIntoFresh", many, "warm read into fresh memory");
  const firstMany = {
    ...row("readFirstVariable", many, "plain read of manifest and first variable"),
    bytes: undefined,
  };
  const readMean = row("readIntoReused", single, "warm read into a reused buffer");
  const readManyMean = row("readIntoReused", manyMean, "warm read into a reused buffer");
  const idle = (operation: string, title: string): Row => ({ ...row(operation, large, ""), title, bytes: undefined });
  return {
    dataSets: [large, many, single, half, double, manyMean],
    limits: [
      dd,
      written,
      copied,
      row("readIntoReused", large, "warm read into a reused buffer"),
      read,
      row("checksum", large, "CRC-32"),
      row("copyIntoWarm", large, "memcpy into touched memory"),
      row("copyIntoFresh", large, "memcpy into fresh memory"),
      first,
      writtenMany,
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
      row("save", large, "durable save", dd),
      row("saveUnread", large, "durable save of values still in a file", copied),
      row("loadAll", large, "load all, immediate()", read),
      { ...row("openAndReadFirst", large, "lazy open + first variable", first), bytes: undefined },
      row("save", many, "durable save", writtenMany),
      row("saveUnread", many, "durable save of values still in a file", writtenMany),
      row("loadAll", many, "load all, immediate()", readMany),
      { ...row("openAndReadFirst", many, "lazy open + first variable", firstMany), bytes: undefined },
      row("meanOnHost", single, "mean on host", readMean),
      row("meanOnTfjsCpu", single, "mean on tfjs cpu", readMean),
      row("meanOnTfjsWasm", single, "mean on tfjs wasm", readMean),
      row("meanOnTfjsNode", single, "mean on tfjs-node", readMean),
      row("meanOnHost", half, "mean on host", readMean),
      row("meanOnHost", double, "mean on host", readMean),
      row("meanOnHost", manyMean, "mean on host", readManyMean),
      idle("importTime", "import of mod.ts"),
    ],
  };
}

function dataSet(name: string, size: Sizes["large"], checkpoints = 1, dtype: DataSet["dtype"] = "Float32"): DataSet {
  const elements = Math.floor(size.bytes / size.variables / bytesOf({ variables: 1, elements: 1, dtype, checkpoints }));
  return { name, variables: size.variables, elements, dtype, checkpoints };
}

/** `beside` is the limit that it is compared with. */
function row(operation: string, data: DataSet, title: string, beside?: Row): Row {
  return {
    title: `${title}, ${dataText(data)}`,
    operation,
    data,
    bytes: bytesOf(data) * data.checkpoints,
    beside,
  };
}

/** `1 GiB in 100 variables`, or `5 × 256 MiB Float32 in 25 variables`. */
function dataText(data: DataSet): string {
  const mebibytes = bytesOf(data) / 2 ** 20;
  const size = mebibytes >= 1023 ? `${(mebibytes / 1024).toFixed(2)} GiB` : `${mebibytes.toFixed(1)} MiB`;
  const all = data.checkpoints === 1 ? size : `${data.checkpoints} × ${size} ${data.dtype}`;
  return `${all.replace(/\.0+(?= )/, "")} in ${data.variables.toLocaleString("en")} variables`;
}
