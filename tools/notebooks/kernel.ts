import { randomUUID } from "node:crypto";
import type { JsonRecord } from "./json_record.ts";
import { decodeMessage, encodeRequest, type KernelMessage } from "./jupyter_wire.ts";
import { KernelError } from "./kernel_error.ts";
import { type KernelOptions, KernelProcess } from "./kernel_process.ts";
import type { ZmtpConnection } from "./zmtp.ts";

/** What one run of some code gave. */
export interface Execution {
  /** The number that the kernel gave it. */
  readonly executionCount: number | null;
  /** Whether it threw, or is no code. */
  readonly failed: boolean;
  /** All that belongs to it, in order: streams, displays, results, errors. */
  readonly messages: readonly KernelMessage[];
}

/** Ports are chosen before the kernel takes them, so it may find one taken. */
const ATTEMPTS = 3;
/** Marks the end of what belongs to a cell. */
const FENCE = "application/x-cairn-fence";
/** Of a message that the kernel sends by itself until the subscription is live, in milliseconds. */
const PROBE_MS = 200;

/** A kernel that hangs is killed this long after its time, in milliseconds; one that dies has as long to do so. */
const GRACE_MS = 5000;

/**
 * A Deno Jupyter kernel, in which code is run as a notebook's cells are.
 *
 * The kernel may say that it is idle before what a cell printed has been sent, and sends the rest under the next cell
 * (Deno 2.9). So a silent request follows each cell and sends a mark through the same queue: what comes before the
 * mark belongs to the cell, whatever the kernel says.
 */
export class Kernel implements AsyncDisposable {
  readonly #process: KernelProcess;
  readonly #shell: ZmtpConnection;
  readonly #iopub: ZmtpConnection;
  readonly #session = randomUUID();
  readonly #queue: KernelMessage[] = [];
  readonly #replies = new Map<string, KernelMessage>();
  #wake: () => void = () => {};
  #gone = false;
  /** What it sent that cannot be read. */
  #spoilt: KernelError | undefined;

  private constructor(process: KernelProcess, shell: ZmtpConnection, iopub: ZmtpConnection) {
    this.#process = process;
    this.#shell = shell;
    this.#iopub = iopub;
    this.#pump(iopub, (message) => this.#queue.push(message));
    this.#pump(shell, (message) => this.#replies.set(message.parent, message));
  }

  /** Starts a kernel. Throws KernelError if it does not start. */
  static async start(options: KernelOptions): Promise<Kernel> {
    for (let attempt = 1;; attempt++) {
      const process = await KernelProcess.spawn(options);
      try {
        const shell = await process.connect("shell", "DEALER");
        const iopub = await process.connect("iopub", "SUB");
        await iopub.send([Uint8Array.of(1)]); // subscribes to everything
        const kernel = new Kernel(process, shell, iopub);
        await kernel.#awaitSubscription();
        return kernel;
      } catch (error) {
        await process[Symbol.asyncDispose]();
        if (!(error instanceof KernelError) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** What the process wrote to its own stdout and stderr: not what cells print. */
  get log(): string {
    return this.#process.log;
  }

  /** Runs code and waits for all that it prints. Throws KernelError if the kernel dies or takes longer. */
  async execute(code: string, timeoutSeconds: number): Promise<Execution> {
    const until = Date.now() + timeoutSeconds * 1000;
    const late = `No answer in ${timeoutSeconds} s`;
    using _ = this.#process.killAt(until + GRACE_MS);
    const id = await this.#request("execute_request", executeContent(code, false));
    const messages: KernelMessage[] = [];
    let executionCount: number | null = null;
    while (true) {
      const message = await this.#expectMessage(until, late);
      if (message.parent === id && isIdle(message)) break;
      if (message.parent === id && message.type === "execute_input") {
        executionCount = Number(message.content.execution_count);
      } else messages.push(message);
    }
    const reply = await this.#expectReply(id, until, late);
    await this.#passFence(messages, until, late);
    const failed = reply.content.status === "error";
    // Code that cannot be parsed has an error in the reply, and no error among the messages (Deno 2.9).
    if (failed && !messages.some(({ type }) => type === "error")) messages.push({ ...reply, type: "error" });
    return { executionCount, failed, messages };
  }

  /** Ends the kernel, whatever it is doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    this.#shell.close();
    this.#iopub.close();
  }

  /** The subscription is live when a request of ours is heard of. */
  async #awaitSubscription(): Promise<void> {
    while (true) {
      await this.#request("kernel_info_request", {});
      if (await this.#nextMessage(Date.now() + PROBE_MS) !== undefined) break;
      if (this.#gone) throw new KernelError(`The kernel died at its start: ${this.log}`);
      if (Date.now() > this.#process.startUntil) throw new KernelError("The kernel gave no sign of life in time");
    }
    using _ = this.#process.killAt(this.#process.startUntil + GRACE_MS);
    // What is still to come of these requests comes before the mark.
    await this.#passFence([], this.#process.startUntil, "The kernel did not start in time");
  }

  async #passFence(messages: KernelMessage[], until: number, late: string): Promise<void> {
    const mark = randomUUID();
    const data = JSON.stringify({ data: { [FENCE]: mark }, metadata: {}, transient: {} });
    const id = await this.#request(
      "execute_request",
      executeContent(`void await Deno.jupyter.broadcast("display_data", ${data});`, true),
    );
    for (let seen = false, idle = false; !seen || !idle;) {
      const message = await this.#expectMessage(until, late);
      if (message.type === "display_data" && JSON.stringify(message.content.data).includes(mark)) seen = true;
      else if (message.parent === id && message.type === "status") idle ||= isIdle(message);
      else if (message.parent !== id || message.type !== "execute_input") messages.push(message);
    }
    await this.#expectReply(id, until, late);
  }

  async #request(type: string, content: JsonRecord): Promise<string> {
    const { id, frames } = encodeRequest(this.#process.key, this.#session, type, content);
    try {
      await this.#shell.send(frames);
    } catch {
      this.#gone = true; // who waits for the answer learns it
    }
    return id;
  }

  async #expectMessage(until: number, late: string): Promise<KernelMessage> {
    const message = await this.#nextMessage(until);
    if (message !== undefined) return message;
    throw await this.#failure(late);
  }

  /** The next message that is published; undefined if the time is over or the kernel has gone. */
  async #nextMessage(until: number): Promise<KernelMessage | undefined> {
    await this.#waitFor(() => this.#queue.length > 0, until);
    return this.#queue.shift();
  }

  async #expectReply(id: string, until: number, late: string): Promise<KernelMessage> {
    await this.#waitFor(() => this.#replies.has(id), until);
    const reply = this.#replies.get(id);
    if (reply === undefined) throw await this.#failure(late);
    this.#replies.delete(id);
    return reply;
  }

  async #waitFor(isThere: () => boolean, until: number): Promise<void> {
    while (!isThere() && !this.#gone && Date.now() < until) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, until - Date.now());
      await promise;
      clearTimeout(timer);
    }
  }

  async #failure(late: string): Promise<KernelError> {
    if (!this.#gone) return new KernelError(late);
    if (this.#spoilt !== undefined) return this.#spoilt;
    using _ = this.#process.killAt(Date.now() + GRACE_MS);
    await this.#process.exited(); // for the end of its log
    return new KernelError("The kernel died");
  }

  async #pump(connection: ZmtpConnection, take: (message: KernelMessage) => void): Promise<void> {
    try {
      while (true) {
        take(decodeMessage(this.#process.key, await connection.receive()));
        this.#wake();
      }
    } catch (error) {
      this.#gone = true; // closed by us or by the kernel's death; there is nothing more to hear either way
      if (error instanceof KernelError) this.#spoilt = error;
      this.#wake();
    }
  }
}

function executeContent(code: string, silent: boolean): JsonRecord {
  return { code, silent, store_history: !silent, user_expressions: {}, allow_stdin: false, stop_on_error: true };
}

function isIdle({ type, content }: KernelMessage): boolean {
  return type === "status" && content.execution_state === "idle";
}
