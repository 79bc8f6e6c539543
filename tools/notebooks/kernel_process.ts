import { randomUUID } from "node:crypto";
import { KernelError } from "./kernel_error.ts";
import { ZmtpConnection, type ZmtpSocketType } from "./zmtp.ts";

/** How to start a kernel. */
export interface KernelOptions {
  /** Its working directory: the notebook's folder, as Jupyter has it. */
  readonly cwd: string;
  /** Environment variables beside ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take until it answers; default 60 s. */
  readonly startSeconds?: number;
}

/** One port for each of a kernel's five channels. */
const CHANNELS = ["shell", "control", "iopub", "stdin", "hb"] as const;
/** What Deno prints at every start. */
const NOTICE = /^.*unstable and might change.*\n/m;
/** Of a kernel that does not listen yet, or exits while we shake hands, for it found another of its ports taken. */
const NOT_LISTENING = [
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.BrokenPipe,
  Deno.errors.UnexpectedEof,
];
/** Between two attempts to connect, in milliseconds. */
const RETRY_MS = 20;

/** `deno jupyter --kernel`, by the same Deno that runs this. */
export class KernelProcess implements AsyncDisposable {
  /** What its messages are signed with. */
  readonly key: string;
  readonly #process: Deno.ChildProcess;
  readonly #ports: Readonly<Record<string, number>>;
  readonly #connectionFile: string;
  readonly #until: number;
  readonly #exited: Promise<unknown>;
  readonly #onInterrupt = (): never => {
    this.#kill();
    Deno.exit(130);
  };
  #log = "";

  private constructor(
    process: Deno.ChildProcess,
    key: string,
    ports: Readonly<Record<string, number>>,
    connectionFile: string,
    until: number,
  ) {
    this.#process = process;
    this.key = key;
    this.#ports = ports;
    this.#connectionFile = connectionFile;
    this.#until = until;
    // A kernel takes Ctrl-C for "end the cell", and would outlive us.
    Deno.addSignalListener("SIGINT", this.#onInterrupt);
    const reading = [process.stdout, process.stderr].map((stream) => this.#collect(stream));
    this.#exited = Promise.all([process.status, ...reading]);
  }

  /** Starts the process; it is not listening yet. */
  static async spawn(options: KernelOptions): Promise<KernelProcess> {
    const key = randomUUID();
    const ports = freePorts();
    const connectionFile = await Deno.makeTempFile({ prefix: "cairn-kernel-", suffix: ".json" });
    const how = { transport: "tcp", ip: "127.0.0.1", key, signature_scheme: "hmac-sha256", ...ports };
    await Deno.writeTextFile(connectionFile, JSON.stringify(how));
    const process = new Deno.Command(Deno.execPath(), {
      args: ["jupyter", "--kernel", "--conn", connectionFile],
      cwd: options.cwd,
      clearEnv: true,
      env: { ...kernelEnvironment(), ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new KernelProcess(process, key, ports, connectionFile, Date.now() + (options.startSeconds ?? 60) * 1000);
  }

  /** What it wrote to its own stdout and stderr, which is nothing that a cell prints. */
  get log(): string {
    return this.#log.replace(NOTICE, "").trim();
  }

  /** When it has to answer at the latest, in milliseconds of Date.now(). */
  get startUntil(): number {
    return this.#until;
  }

  /** Resolves when it has gone. */
  async exited(): Promise<void> {
    await this.#exited;
  }

  /**
   * Kills it at that time, in milliseconds of Date.now(), unless disposed before: whoever waits for it, which may hang
   * anywhere, then hears of its end.
   */
  killAt(time: number): Disposable {
    const timer = setTimeout(() => this.#kill(), Math.max(0, time - Date.now()));
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  /** Connects to a channel as soon as the kernel listens there. Throws KernelError if it never does. */
  async connect(channel: typeof CHANNELS[number], type: ZmtpSocketType): Promise<ZmtpConnection> {
    let gone = false;
    this.#process.status.then(() => gone = true);
    using _ = this.killAt(this.#until);
    while (true) {
      try {
        return await ZmtpConnection.open(this.#ports[`${channel}_port`] ?? 0, type);
      } catch (error) {
        if (Date.now() >= this.#until) throw new KernelError("The kernel did not start in time");
        if (gone) throw new KernelError(`The kernel exited at its start: ${this.log}`);
        if (!NOT_LISTENING.some((kind) => error instanceof kind)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Ends the process, whatever it is doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.#exited;
    Deno.removeSignalListener("SIGINT", this.#onInterrupt);
    await Deno.remove(this.#connectionFile);
  }

  #kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error; // it has exited
    }
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#log += text;
  }
}

/**
 * Ports that nobody listens on now; somebody else may be faster than the kernel, which then exits at its start. Below
 * those that systems give to outgoing connections: while we wait for the kernel, one of these could take its port, or
 * even be connected to itself there.
 */
function freePorts(): Record<string, number> {
  const listeners = CHANNELS.map((channel) => ({ channel, listener: listenSomewhere() }));
  const ports = listeners.map(({ channel, listener }) => [`${channel}_port`, listener.addr.port]);
  for (const { listener } of listeners) listener.close();
  return Object.fromEntries(ports);
}

function listenSomewhere(): Deno.TcpListener {
  while (true) {
    try {
      return Deno.listen({ hostname: "127.0.0.1", port: 10_000 + Math.floor(Math.random() * 22_000) });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Ours, without what changes what a cell prints. */
function kernelEnvironment(): Record<string, string> {
  const { RUST_BACKTRACE: _, FORCE_COLOR: __, ...rest } = Deno.env.toObject();
  return { ...rest, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
}
