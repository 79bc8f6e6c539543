import type { GoldenVariable } from "../checkpoint/golden/golden_expected.ts";

/** A variable as GoMLX holds it: `trainable` is absent for what the handler has loaded and nobody has asked for. */
export type GomlxVariable = GoldenVariable;

/** A param as GoMLX holds it. */
export interface GomlxParam {
  readonly scope: string;
  readonly key: string;
  /** As Go's `%T` prints it. */
  readonly goType: string;
  /** `{ t: Go type, v: the value, numbers as text, bits: a float's in hex }`; lists and maps hold the same inside. */
  readonly value: unknown;
  /** As Go's `%v` prints it. */
  readonly text: string;
}

/** How something that may fail ended in Go. */
export interface GomlxOutcome {
  readonly kind: "ok" | "error" | "panic";
  readonly message?: string;
}

/** What the program `verify` prints. */
export interface VerifyReport {
  /** Of the GoMLX module, for example `v0.27.3`. */
  readonly gomlx: string;
  readonly outcome: GomlxOutcome;
  /** Base names, oldest first; absent if loading failed before, or from an embed. */
  readonly checkpoints?: readonly string[];
  /** Loaded and not asked for; absent if loading failed. */
  readonly pool?: readonly GomlxVariable[];
  /** Sorted by parameter name. */
  readonly variables: readonly GomlxVariable[];
  /** In GoMLX's own order. */
  readonly params: readonly GomlxParam[];
  readonly numVariables: number;
  readonly numParameters: number;
  /** In bytes. */
  readonly memory: number;
  readonly globalStep: string | null;
  /** Present if it was asked to save again. */
  readonly resave?: GomlxOutcome;
}

/** Reads what `verify` printed; throws if it is something else. */
export function parseVerifyReport(text: string): VerifyReport {
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot read the report of verify: ${error}: ${text.slice(0, 200)}`);
  }
  if (!isVerifyReport(report)) throw new Error(`Cannot read the report of verify: it has another form: ${text}`);
  return report;
}

function isVerifyReport(report: unknown): report is VerifyReport {
  return isRecord(report) && typeof report.gomlx === "string" && isOutcome(report.outcome) &&
    isListOf(report.variables, isVariable) && isListOf(report.params, isParam) &&
    (report.pool === undefined || isListOf(report.pool, isVariable)) &&
    (report.checkpoints === undefined || isListOf(report.checkpoints, (name) => typeof name === "string")) &&
    typeof report.numVariables === "number" && typeof report.numParameters === "number" &&
    typeof report.memory === "number" && (report.globalStep === null || typeof report.globalStep === "string") &&
    (report.resave === undefined || isOutcome(report.resave));
}

function isVariable(variable: unknown): variable is GomlxVariable {
  return isRecord(variable) && typeof variable.parameterName === "string" && typeof variable.scope === "string" &&
    typeof variable.name === "string" && typeof variable.dtype === "string" && Array.isArray(variable.dimensions) &&
    typeof variable.length === "number" && typeof variable.sha256 === "string";
}

function isParam(param: unknown): param is GomlxParam {
  return isRecord(param) && typeof param.scope === "string" && typeof param.key === "string" &&
    typeof param.goType === "string" && "value" in param && typeof param.text === "string";
}

function isOutcome(outcome: unknown): outcome is GomlxOutcome {
  return isRecord(outcome) && ["ok", "error", "panic"].some((kind) => kind === outcome.kind);
}

function isListOf(list: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(list) && list.every(isElement);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
