import type { Execution } from "./kernel.ts";
import type { KernelMessage } from "./jupyter_wire.ts";
import { type JsonRecord, toRecord } from "./json_record.ts";

/** What a notebook stores of one output, as nbformat 4 has it. */
export interface Output {
  /** `stream`, `display_data`, `execute_result` or `error`. */
  readonly output_type: string;
  [member: string]: unknown;
}

/** Turns what a kernel says into the outputs of cells, as Jupyter does: it merges, clears and updates. */
export class OutputRecorder {
  /** By display id; a later cell may change the output of an earlier one. */
  readonly #displays = new Map<string, Output[]>();
  #clearBeforeNext = false;

  /** The outputs of a cell; those with a display id change when a later cell updates them. */
  record({ messages, executionCount }: Execution): readonly Output[] {
    const outputs: Output[] = [];
    this.#clearBeforeNext = false;
    for (const message of messages) this.#take(message, outputs, executionCount);
    return outputs;
  }

  #take({ type, content }: KernelMessage, outputs: Output[], executionCount: number | null): void {
    if (type === "clear_output") {
      if (content.wait) this.#clearBeforeNext = true;
      else outputs.length = 0;
      return;
    }
    if (type === "update_display_data") {
      const { data, metadata } = content;
      for (const output of this.#displays.get(displayIdOf(content)) ?? []) Object.assign(output, { data, metadata });
      return;
    }
    const output = outputOf(type, content, executionCount);
    if (output === undefined) return;
    if (this.#clearBeforeNext) outputs.length = 0;
    this.#clearBeforeNext = false;
    if (type === "stream" && mergeStream(outputs.at(-1), output)) return;
    outputs.push(output);
    const displayId = displayIdOf(content);
    if (displayId !== "") this.#displays.set(displayId, [...this.#displays.get(displayId) ?? [], output]);
  }
}

/** Members in the order of their names, as Jupyter writes them; undefined for a message that is no output. */
function outputOf(type: string, content: JsonRecord, executionCount: number | null): Output | undefined {
  const { data, metadata, name, text, ename, evalue, traceback } = content;
  switch (type) {
    case "stream":
      return { name, output_type: type, text };
    case "display_data":
      return { data, metadata, output_type: type };
    case "execute_result":
      return { data, execution_count: executionCount, metadata, output_type: type };
    case "error":
      return { ename, evalue, output_type: type, traceback };
    default:
      return undefined;
  }
}

/** Appends the text to the last output if that is of the same stream. */
function mergeStream(last: Output | undefined, next: Output): boolean {
  if (last?.output_type !== "stream" || last.name !== next.name) return false;
  last.text = `${last.text}${next.text}`;
  return true;
}

function displayIdOf(content: JsonRecord): string {
  return String(toRecord(content.transient).display_id ?? "");
}
