/** The operations of a {@linkcode FaultFiles} that may fail, one by one. */
export type OperationKind =
  | "list"
  | "stat"
  | "realPath"
  | "open"
  | "read"
  | "create"
  | "write"
  | "sync"
  | "rename"
  | "link"
  | "remove"
  | "makeDirectory"
  | "syncDirectory"
  | "lock";

/** One operation that was asked for. */
export interface FaultOperation {
  /** Running number, from 0. */
  readonly index: number;
  /** What was asked for. */
  readonly kind: OperationKind;
  /** Path concerned; the new one of a rename or link. */
  readonly path: string;
  /** Bytes to be written, 0 for other kinds. */
  readonly size: number;
}

/** An error that a file system gives. */
export type FileFault = "ENOSPC" | "EIO" | "EACCES";

/**
 * What happens at an operation.
 *
 * - `crash`: everything stops before or after it, as when the process is killed or the power fails.
 * - `torn`: of a write, `bytes` bytes arrive, then everything stops.
 * - `error`: it fails; with `lasting`, so do all later ones that can fail so, until {@linkcode FaultFiles.mend}. A write
 *   that finds the disk full writes `bytes` first.
 */
export type Fault =
  | { readonly kind: "crash"; readonly when: "before" | "after" }
  | { readonly kind: "torn"; readonly bytes: number }
  | { readonly kind: "error"; readonly error: FileFault; readonly lasting?: boolean; readonly bytes?: number };

/** A fault at the operation of that number. */
export interface FaultPlan {
  /** Number of the operation, from 0. */
  readonly at: number;
  /** What happens there. */
  readonly fault: Fault;
}

/** What every operation fails with once everything has stopped. */
export class CrashedError extends Error {
  /** Makes a CrashedError. */
  constructor() {
    super("the process has crashed, as planned");
    this.name = "CrashedError";
  }
}

const CHANGING: ReadonlySet<OperationKind> = new Set(
  ["create", "write", "sync", "rename", "link", "remove", "makeDirectory", "syncDirectory", "lock"] as const,
);
const NEEDS_SPACE: ReadonlySet<OperationKind> = new Set(
  ["create", "write", "sync", "rename", "link", "makeDirectory", "syncDirectory", "lock"] as const,
);
/** An open file is not asked again. */
const NEEDS_ACCESS: ReadonlySet<OperationKind> = new Set(
  [
    "list",
    "stat",
    "realPath",
    "open",
    "create",
    "rename",
    "link",
    "remove",
    "makeDirectory",
    "syncDirectory",
    "lock",
  ] as const,
);

/** Whether an operation changes anything on the disk or makes it durable. */
export function changesDisk(kind: OperationKind): boolean {
  return CHANGING.has(kind);
}

/** Whether an operation can fail so. */
export function canFail(kind: OperationKind, error: FileFault): boolean {
  return error === "EIO" || (error === "ENOSPC" ? NEEDS_SPACE : NEEDS_ACCESS).has(kind);
}

/** The error as Deno throws it. */
export function errorOf(fault: FileFault, path: string): Error {
  if (fault === "EACCES") return new Deno.errors.PermissionDenied(`Permission denied (os error 13): "${path}"`);
  const text = fault === "EIO" ? "Input/output error (os error 5)" : "No space left on device (os error 28)";
  return Object.assign(new Error(`${text}: "${path}"`), { code: fault });
}

/** For reports: `ENOSPC, lasting`. */
export function faultText(fault: Fault): string {
  switch (fault.kind) {
    case "crash":
      return `crash ${fault.when}`;
    case "torn":
      return `crash in a write, after ${fault.bytes} bytes`;
    case "error":
      return fault.error + (fault.lasting ? ", lasting" : "") +
        (fault.bytes === undefined ? "" : " after a short write");
  }
}
