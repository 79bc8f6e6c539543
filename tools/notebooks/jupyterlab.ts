import { join } from "@std/path";
import { JUPYTERLAB } from "./browser_setup.ts";
import { toRecord } from "./json_record.ts";

/** How long it may take to start. */
const START_MS = 60_000;
/** How long it may take to end, and to answer at its end. */
const STOP_MS = 5_000;

/** A JupyterLab server on 127.0.0.1, without a token, whose one kernel is the Deno that runs this. */
export class JupyterLab implements AsyncDisposable {
  /** Where it listens. */
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #state: string;

  private constructor(process: Deno.ChildProcess, url: string, state: string) {
    this.#process = process;
    this.url = url;
    this.#state = state;
  }

  /** Starts a server for the notebooks below `root`. What it stores goes to a temporary directory. */
  static async start(root: string): Promise<JupyterLab> {
    const state = await Deno.makeTempDir({ prefix: "cairn-jupyterlab-" });
    await writeKernelSpec(join(state, "data", "kernels", "deno"));
    const port = freePort();
    const { RUST_BACKTRACE: _, FORCE_COLOR: __, ...environment } = Deno.env.toObject();
    const process = new Deno.Command(join(JUPYTERLAB, "bin", "jupyter-lab"), {
      args: [
        ...["--no-browser", "--allow-root", "--ip=127.0.0.1", `--port=${port}`, "--ServerApp.port_retries=0"],
        ...["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", `--ServerApp.root_dir=${root}`],
        `--AsyncFileCheckpoints.checkpoint_dir=${join(state, "checkpoints")}`,
        ...["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
      ],
      clearEnv: true,
      env: {
        ...environment,
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
        DENO_DIR: await denoDirectory(),
        HOME: state,
        JUPYTER_CONFIG_DIR: join(state, "config"),
        JUPYTER_DATA_DIR: join(state, "data"),
        JUPYTER_RUNTIME_DIR: join(state, "runtime"),
        JUPYTERLAB_SETTINGS_DIR: join(state, "settings"),
        JUPYTERLAB_WORKSPACES_DIR: join(state, "workspaces"),
      },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const server = new JupyterLab(process, `http://127.0.0.1:${port}`, state);
    try {
      await server.#awaitStart();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** Changes a setting, for pages that are opened from now on. */
  async set(plugin: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await fetch(`${this.url}/lab/api/settings/${plugin}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ raw: JSON.stringify(settings) }),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`Cannot set "${plugin}" of JupyterLab: ${response.status}`);
  }

  /** Ends its kernels and it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endKernels();
    // Asked to stop, it sometimes hangs at its end.
    const timer = setTimeout(() => this.#kill("SIGKILL"), STOP_MS);
    this.#kill("SIGTERM");
    await this.#process.status;
    clearTimeout(timer);
    await Deno.remove(this.#state, { recursive: true });
  }

  /** They have sessions of their own, and would outlive a server that is killed. */
  async #endKernels(): Promise<void> {
    try {
      const response = await fetch(`${this.url}/api/kernels`, { signal: AbortSignal.timeout(STOP_MS) });
      const kernels: unknown = await response.json();
      for (const kernel of Array.isArray(kernels) ? kernels : []) {
        const url = `${this.url}/api/kernels/${toRecord(kernel).id}`;
        const ended = await fetch(url, { method: "DELETE", signal: AbortSignal.timeout(STOP_MS) });
        await ended.body?.cancel();
      }
    } catch (error) {
      // It has not started, or does not answer in time: there is nobody to ask.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    }
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error; // it has exited
    }
  }

  async #awaitStart(): Promise<void> {
    let hasExited = false;
    this.#process.status.then(() => hasExited = true);
    for (const until = Date.now() + START_MS; Date.now() < until && !hasExited;) {
      try {
        const response = await fetch(`${this.url}/api`);
        await response.body?.cancel();
        if (response.ok) return;
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it does not listen yet
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`JupyterLab did not start on ${this.url}`);
  }
}

async function writeKernelSpec(directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const spec = {
    argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
  };
  await Deno.writeTextFile(join(directory, "kernel.json"), JSON.stringify(spec));
}

/** HOME is another one for the server; what Deno has downloaded is not to be downloaded again. */
async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const info: unknown = JSON.parse(new TextDecoder().decode(stdout));
  if (typeof info === "object" && info !== null && "denoDir" in info) return String(info.denoDir);
  throw new Error("Cannot find DENO_DIR: `deno info --json` does not tell it");
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
