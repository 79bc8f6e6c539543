import { type ModuleGraph, readModuleGraph } from "./module_graph.ts";
import { type PackageFiles, readFolder } from "../../tools/package_files.ts";
import { readTarball } from "./tarball.ts";

/** What each file, with a leading `/`, was when it was published: Deno checks every module that it loads. */
export type Manifest = Readonly<Record<string, { readonly size: number; readonly checksum: string }>>;

/** One version of a package, as the registry serves it. */
export interface PublishedVersion {
  /** With its scope: `@std/path`. */
  readonly name: string;
  readonly version: string;
  /** ISO 8601; longer ago than it really was. */
  readonly createdAt: string;
  /** Always a record: `{ ".": "./mod.ts" }`. */
  readonly exports: Readonly<Record<string, string>>;
  readonly files: PackageFiles;
  readonly manifest: Manifest;
  readonly moduleGraph: ModuleGraph;
}

/** A request that was answered. */
export interface AnsweredRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** The part of a package's `deno.json` that JSR reads. */
interface PackageConfig {
  readonly name: string;
  readonly version: string;
  readonly exports: string | Readonly<Record<string, string>>;
}

/** How publishing went, as `deno publish` asks for it. */
interface PublishingTask {
  readonly id: string;
  readonly status: "processing" | "success" | "failure";
  readonly error: { readonly code: string; readonly message: string } | null;
}

/**
 * A registry on a free loopback port that speaks as much of JSR as `deno publish`, `deno add` and imports need: set
 * `JSR_URL` to {@linkcode url}. Versions are immutable, tokens are checked, and what JSR would refuse is refused.
 */
export class Registry implements AsyncDisposable {
  /** With a `/` at its end. */
  readonly url: string;
  /** Every request so far, in order. */
  readonly requests: AnsweredRequest[] = [];
  /** Everything that can be imported. */
  readonly versions: PublishedVersion[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #token: string;
  readonly #tasks = new Map<string, PublishingTask>();

  /** Starts a registry in which whoever has the token may publish. */
  constructor(token: string) {
    this.#token = token;
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const response = await this.#answer(request);
      const { pathname, search } = new URL(request.url);
      this.requests.push({ method: request.method, path: pathname + search, status: response.status });
      return response;
    });
    this.url = `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Publishes a folder that has a `deno.json`, without its being uploaded. */
  async addFolder(folder: string): Promise<void> {
    this.versions.push(await describeVersion(await readFolder(folder), "deno.json"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const publish = /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)\/versions\/([^/]+)$/.exec(pathname);
    if (publish !== null) {
      const [, scope = "", name = "", version = ""] = publish;
      const wanted = `@${scope}/${name}@${version}`;
      if (request.method === "POST") return await this.#publish(request, wanted, searchParams.get("config") ?? "");
      const found = this.versions.find((each) => `${each.name}@${each.version}` === wanted);
      return found === undefined ? notFound("packageVersionNotFound") : Response.json({ version });
    }
    // any package may be made here: on JSR somebody makes it on the web page before it is first published
    const asked = /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)$/.exec(pathname);
    if (asked !== null) return Response.json({ scope: asked[1], name: asked[2] });
    const status = /^\/api\/publish_status\/([^/]+)$/.exec(pathname);
    if (status !== null) {
      const task = this.#tasks.get(status[1] ?? "");
      return task === undefined ? notFound("publishingTaskNotFound") : Response.json(task);
    }
    return this.#serveFile(pathname);
  }

  async #publish(request: Request, wanted: string, configPath: string): Promise<Response> {
    const body = await request.bytes();
    if (request.headers.get("authorization") !== `Bearer ${this.#token}`) {
      return Response.json({ code: "missingAuthentication", message: "The token is wrong" }, { status: 401 });
    }
    const id = crypto.randomUUID();
    let error: PublishingTask["error"] = null;
    try {
      const version = await describeVersion(await readTarball(body), configPath.replace(/^\//, ""));
      const name = `${version.name}@${version.version}`;
      if (name !== wanted) throw new Error(`Cannot publish "${wanted}": its config says "${name}"`);
      if (this.versions.some((each) => `${each.name}@${each.version}` === name)) throw new Error(`"${name}" is there`);
      this.versions.push(version);
    } catch (thrown) {
      error = { code: "invalidPackage", message: thrown instanceof Error ? thrown.message : String(thrown) };
    }
    this.#tasks.set(id, { id, status: error === null ? "success" : "failure", error });
    // JSR works on it in the background: only asking for the task tells how it went
    return Response.json({ id, status: "processing", error: null });
  }

  #serveFile(pathname: string): Response {
    const [, name = "", rest = ""] = /^\/(@[^/]+\/[^/]+)\/(.+)$/.exec(pathname) ?? [];
    const versions = this.versions.filter((each) => each.name === name);
    const latest = versions.at(-1);
    if (latest === undefined) return notFound("packageNotFound");
    if (rest === "meta.json") {
      const list = versions.map(({ version, createdAt }) => [version, { createdAt }]);
      const [scope, bare] = name.slice(1).split("/");
      return Response.json({ scope, name: bare, latest: latest.version, versions: Object.fromEntries(list) });
    }
    for (const version of versions) {
      const { exports, manifest, moduleGraph } = version;
      if (rest === `${version.version}_meta.json`) {
        return Response.json({ exports, manifest, moduleGraph2: moduleGraph });
      }
      const file = version.files.get(rest.slice(version.version.length + 1));
      if (!rest.startsWith(`${version.version}/`) || file === undefined) continue;
      const type = rest.endsWith(".ts")
        ? "text/typescript"
        : rest.endsWith(".json")
        ? "application/json"
        : "text/plain";
      return new Response(file, { headers: { "content-type": `${type}; charset=utf-8` } });
    }
    return notFound("fileNotFound");
  }
}

/** Deno takes nothing that was published less than a day ago (its minimum dependency age). */
const AGE_MS = 48 * 3600 * 1000;

/** Throws if JSR would refuse the package. */
async function describeVersion(files: PackageFiles, configPath: string): Promise<PublishedVersion> {
  const bytes = files.get(configPath);
  if (bytes === undefined) throw new Error(`Cannot publish: its config "${configPath}" is not among its files`);
  const { name, version, exports }: PackageConfig = JSON.parse(new TextDecoder().decode(bytes));
  const record = typeof exports === "string" ? { ".": exports } : exports;
  const moduleGraph = await readModuleGraph(files, Object.values(record));
  const createdAt = new Date(Date.now() - AGE_MS).toISOString();
  return { name, version, createdAt, exports: record, files, manifest: await describeFiles(files), moduleGraph };
}

async function describeFiles(files: PackageFiles): Promise<Manifest> {
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const [path, bytes] of files) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    manifest[`/${path}`] = { size: bytes.length, checksum: `sha256-${digest.toHex()}` };
  }
  return manifest;
}

function notFound(code: string): Response {
  return Response.json({ code, message: "Not found" }, { status: 404 });
}
