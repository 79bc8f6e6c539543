import type { Plan, Row } from "./plan.ts";
import { bytesOf } from "./work.ts";

/** Something that Cairn shall reach. */
export interface Target {
  readonly work: string;
  /** In words. */
  readonly reach: string;
  readonly unit: "×" | "ms" | "GiB/s" | "MiB";
  /** What may not be exceeded; with `atLeast`, what may not be missed. */
  readonly bound: number;
  readonly atLeast?: true;
  /** NaN where a row was not measured. */
  value(figures: Figures): number;
}

/** What was measured of the rows, by the minimum or by the median of all rounds. */
export interface Figures {
  /** NaN if it was not measured. */
  seconds(row: Row | undefined): number;
  /** The most memory of the process, in bytes; NaN if it was not measured. */
  peak(row: Row | undefined): number;
}

/** The targets, for the rows of `plan`. */
export function targetsOf(plan: Plan): Target[] {
  const cairn = (operation: string, data: string, cache = "warm"): Row | undefined =>
    [...plan.limits, ...plan.cairn].find((row) =>
      row.operation === operation && row.data.name === data && row.cache === cache
    );
  const peers = (operation: string, data: string, wanted: (row: Row) => boolean = () => true): Row[] =>
    plan.contests.flatMap((contest) => contest.peers).filter((row) =>
      row.operation === operation && row.data.name === data && row.cache === "warm" && wanted(row)
    );
  const peer = (name: string, operation: string, data: string): Row | undefined =>
    peers(operation, data, (row) => row.peer?.name === name)[0];
  const copies = (row: Row): boolean => row.peer?.copies ?? false;
  const ratio = (row: Row | undefined, beside: Row | undefined) => (figures: Figures): number =>
    figures.seconds(row) / figures.seconds(beside);
  const toFastest = (row: Row | undefined, rivals: readonly Row[]) => (figures: Figures): number => {
    const measured = rivals.map((each) => figures.seconds(each)).filter((each) => !isNaN(each));
    return measured.length === 0 ? NaN : figures.seconds(row) / Math.min(...measured);
  };
  const milliseconds = (row: Row | undefined) => (figures: Figures): number => figures.seconds(row) * 1000;
  const rate = (row: Row | undefined) => (figures: Figures): number =>
    (row?.bytes ?? NaN) / 2 ** 30 / figures.seconds(row);
  const beyondModel = (row: Row | undefined) => ({ peak }: Figures): number =>
    row === undefined ? NaN : (peak(row) - peak(cairn("idle", "large")) - bytesOf(row.data)) / 2 ** 20;
  const save = cairn("save", "large");
  const load = cairn("loadAll", "large");
  const mapped = cairn("loadMapped", "large");
  const mean = cairn("meanOnHost", "mean");
  const meanMapped = cairn("meanMappedOnTfjsNode", "mean");
  return [
    {
      work: "durable save, 1 GiB",
      reach: "≤ 1.15 × dd of zeros, conv=fsync",
      unit: "×",
      bound: 1.15,
      value: ratio(save, cairn("ddAndSync", "large")),
    },
    {
      work: "durable save, 1 GiB",
      reach: "faster than every peer's save + fsync",
      unit: "×",
      bound: 1,
      value: toFastest(save, peers("save", "large")),
    },
    { work: "durable save, 1 GiB", reach: "memory ≤ model + 64 MiB", unit: "MiB", bound: 64, value: beyondModel(save) },
    {
      work: "open lazily + first variable, 1 GiB in 100",
      reach: "≤ 5 ms",
      unit: "ms",
      bound: 5,
      value: milliseconds(cairn("openAndReadFirst", "large")),
    },
    {
      work: "open lazily + first variable, 64 MiB in 10,000",
      reach: "≤ 15 ms",
      unit: "ms",
      bound: 15,
      value: milliseconds(cairn("openAndReadFirst", "many")),
    },
    {
      work: "load everything into own memory, 1 GiB",
      reach: "≤ 1.1 × one read into equally fresh memory",
      unit: "×",
      bound: 1.1,
      value: ratio(load, cairn("readIntoFresh", "large")),
    },
    {
      work: "load everything into own memory, 1 GiB",
      reach: "ahead of every peer that copies",
      unit: "×",
      bound: 1,
      value: toFastest(load, peers("load", "large", copies)),
    },
    {
      work: "load everything mapped, 1 GiB",
      reach: "≥ 20 GiB/s",
      unit: "GiB/s",
      bound: 20,
      atLeast: true,
      value: rate(mapped),
    },
    {
      work: "load everything mapped, 1 GiB",
      reach: "≤ 1.2 × safetensors-torch",
      unit: "×",
      bound: 1.2,
      value: ratio(mapped, peer("safetensors-torch", "load", "large")),
    },
    {
      work: "mean of 5 × 256 MiB on tfjs-node",
      reach: "at least as fast as torch with mmap",
      unit: "×",
      bound: 1,
      value: ratio(meanMapped, peer("torch-mmap", "mean", "mean")),
    },
    {
      work: "mean of 5 × 256 MiB on host",
      reach: "≥ 2 GiB/s of source",
      unit: "GiB/s",
      bound: 2,
      atLeast: true,
      value: rate(mean),
    },
    {
      work: "mean of 5 × 256 MiB on host",
      reach: "ahead of every peer without mmap",
      unit: "×",
      bound: 1,
      value: toFastest(mean, peers("mean", "mean", copies)),
    },
    {
      work: "mean of 5 × 256 MiB on host",
      reach: "memory ≤ one model + 64 MiB",
      unit: "MiB",
      bound: 64,
      value: beyondModel(mean),
    },
    {
      work: "10,000 variables: save",
      reach: "≤ safetensors (save + fsync)",
      unit: "×",
      bound: 1,
      value: ratio(cairn("save", "many"), peer("safetensors", "save", "many")),
    },
    {
      work: "10,000 variables: load",
      reach: "≤ safetensors",
      unit: "×",
      bound: 1,
      value: ratio(cairn("loadAll", "many"), peer("safetensors", "load", "many")),
    },
    {
      work: "background save, 1 GiB: the caller is blocked",
      reach: "≤ 1.3 × memcpy into touched memory",
      unit: "×",
      bound: 1.3,
      value: ratio(cairn("saveInBackground", "large"), cairn("copyIntoWarm", "large")),
    },
    {
      work: "import of mod.ts",
      reach: "≤ 30 ms",
      unit: "ms",
      bound: 30,
      value: milliseconds(cairn("importPackage", "large")),
    },
  ];
}
