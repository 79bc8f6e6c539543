import { bytesOf, type Work } from "./work.ts";

/** A set of variables that operations are measured on. */
export interface DataSet extends Pick<Work, "variables" | "elements"> {
  /** Names its directory. */
  readonly name: string;
}

/** One row of the report. */
export interface Row {
  /** What is measured, for readers. */
  readonly title: string;
  /** Exported by limits.ts or cairn.ts; `importTime` is the file import_time.ts. */
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

/** The plan for a few large and for many small variables. */
export function planOf(large: DataSet, many: DataSet): Plan {
  const row = (operation: string, data: DataSet, title: string, beside?: Row): Row => ({
    title: `${title}, ${dataText(data)}`,
    operation,
    data,
    bytes: bytesOf(data),
    beside,
  });
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
  const idle: Row = { title: "idle process", operation: "idle", data: large, bytes: undefined, beside: undefined };
  return {
    dataSets: [large, many],
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
      idle,
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
      { title: "import of mod.ts", operation: "importTime", data: large, bytes: undefined, beside: undefined },
    ],
  };
}

/** `1 GiB in 100 variables`. */
function dataText(data: DataSet): string {
  const mebibytes = bytesOf(data) / 2 ** 20;
  const size = mebibytes >= 1023 ? `${(mebibytes / 1024).toFixed(2)} GiB` : `${mebibytes.toFixed(1)} MiB`;
  return `${size.replace(/\.0+(?= )/, "")} in ${data.variables.toLocaleString("en")} variables`;
}
