import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { join } from "@std/path";
import config from "../../deno.json" with { type: "json" };
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import { makePackage } from "../../tools/package.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { runDeno } from "./deno_run.ts";
import { readFolder, writeFolder } from "../../tools/package_files.ts";
import type { Dependency } from "./module_graph.ts";
import { type PublishedVersion, Registry } from "./registry.ts";

const TOKEN = "token-of-the-test";
/** What the project's folder may have that is no part of it. */
const NOT_COPIED = new Set([".git", ".cairn", "node_modules", "coverage"]);
/** Files that are never to be published, put beside those that are. */
const DECOYS = [
  "shared/notes.ts",
  "notebooks/decoy.ipynb",
  "tools/decoy.ts",
  "tests/decoy_test.ts",
  ".env",
  "src/a.bin",
];
const CONSUMER_STEPS = ["save", "compress", "loadLazily", "loadAtOnce", "open", "embed", "takeMean", "refuse"];

Deno.test("the package, published by deno publish, works for somebody who has nothing else", async (t) => {
  await using directory = await TemporaryDirectory.make();
  await using registry = new Registry(TOKEN);
  const env = { JSR_URL: registry.url, DENO_DIR: join(directory.path, "deno_dir") };
  for (const member of config.workspace) await registry.addFolder(join(PROJECT_ROOT, member));
  const published = await publish(registry, join(directory.path, "project"));

  await t.step("its files are the sources, what is bundled from them, and the five that describe it", () => {
    const copied = [...published.copied].filter((path) => /^src\/.*\.ts$/.test(path));
    const sources = Object.values<string>(config.exports).map((path) => path.replace(/^\.\//, ""));
    const wanted = new Set(["CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "deno.json", ...sources, ...copied]);
    const files = new Set(published.version.files.keys());
    const bundled = [...files].filter((path) => /^dist\/.*\.js$/.test(path));
    assertEquals([...files.symmetricDifference(wanted.union(new Set(bundled)))], []);
    assertGreater(copied.length, 50);
    assertGreater(copied.length / 2, bundled.length);
    for (const source of sources) assert(bundled.includes(`dist/${source.replace(/\.ts$/, ".js")}`), source);
  });

  await t.step("every module is reached from an export, and every specifier is one that JSR takes", () => {
    const { files, moduleGraph } = published.version;
    const modules = [...files.keys()].filter((path) => /\.[jt]s$/.test(path)).map((path) => `/${path}`);
    assertEquals(modules.filter((path) => !(path in moduleGraph)), []);
    // what is loaded is what was bundled: no file of it leads back into the sources
    const dist = Object.entries(moduleGraph).filter(([path]) => path.startsWith("/dist/"));
    const loaded = dist.flatMap(([, { dependencies = [] }]) => dependencies.map(specifierOf));
    assertEquals(loaded.filter((specifier) => specifier.endsWith(".ts")), []);
    const foreign = new Set(specifiersOf(published.version).filter((specifier) => !specifier.startsWith(".")));
    // One function each: the whole of it is a hundred modules.
    const pathModule = config.imports["@std/path"];
    const isTaken = (each: string) => each.startsWith(`${pathModule}/`) || /^(node:|npm:.+@\d+\.\d+\.\d+$)/.test(each);
    assertEquals([...foreign].filter((each) => !isTaken(each)), []);
    assert(foreign.has(`${pathModule}/join`), [...foreign].join());
  });

  await t.step("from an empty folder it saves, loads, embeds and averages with the smallest permissions", async () => {
    const folder = join(directory.path, "consumer");
    const [run, audit] = [join(folder, "run"), join(directory.path, "audit.jsonl")];
    await Deno.mkdir(run, { recursive: true });
    await Deno.copyFile(join(PROJECT_ROOT, "tests", "published", "consumer.ts"), join(folder, "main.ts"));
    const args = ["run", "--check", "--no-prompt", `--allow-read=${run}`, `--allow-write=${run}`, "main.ts", run];
    const result = await runDeno(args, { cwd: folder, env: { ...env, DENO_AUDIT_PERMISSIONS: audit } });
    assert(result.success, result.stdout + result.stderr);
    assertEquals(result.stdout.trim().split("\n"), CONSUMER_STEPS.map((step) => `done: ${step}`));
    await checkPermissions(
      audit,
      run,
      new Set([`read ${join(folder, "elsewhere")}`, `import ${new URL(registry.url).host}`]),
    );
  });

  await t.step("it reads a stranger's files in a process that has but the package's address", async () => {
    const folder = join(directory.path, "sandbox");
    await Deno.mkdir(folder);
    const program = `import { openCheckpoint, readUntrusted } from "jsr:@cairn/checkpoints@^0.1.0";
      const store = await readUntrusted(Deno.args[0] ?? "");
      console.log((await openCheckpoint(store)).step, Deno.permissions.querySync({ name: "read" }).state);`;
    await Deno.writeTextFile(join(folder, "main.ts"), program);
    const model = join(directory.path, "consumer", "run", "run");
    const args = ["run", "--no-prompt", `--allow-run=${Deno.execPath()}`, "main.ts", model];
    const result = await runDeno(args, { cwd: folder, env });
    assertEquals([result.stdout, result.success], ["300 prompt\n", true], result.stderr);
  });

  await t.step("after deno add, the example of the README runs", async () => {
    const folder = join(directory.path, "reader");
    await Deno.mkdir(folder);
    const added = await runDeno(["add", "jsr:@cairn/checkpoints"], { cwd: folder, env });
    assert(added.success, added.stderr);
    const written = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
    assertEquals(written.imports, { [config.name]: `jsr:${config.name}@^${config.version}` });
    const readme = new TextDecoder().decode(published.version.files.get("README.md"));
    const [, example = ""] = /^```ts\n([^]*?)^```$/m.exec(readme) ?? [];
    await Deno.writeTextFile(join(folder, "train.ts"), example);
    const args = ["run", "--check", "--no-prompt", `--allow-read=${folder}`, `--allow-write=${folder}`, "train.ts"];
    const result = await runDeno(args, { cwd: folder, env: { ...env, TMPDIR: folder, TEMP: folder, TMP: folder } });
    assert(result.success, result.stdout + result.stderr);
    assertMatch(result.stdout, /\[ \[ 1, 2 \], \[ 3, 5 \] \]/);
  });

  await t.step("nothing was missing", () => {
    const asked = registry.requests.filter(({ path }) => !path.startsWith("/api/"));
    assertEquals(asked.filter(({ status }) => status !== 200), []);
    assert(asked.some(({ path }) => path.startsWith("/@std/path/")), "std comes from the registry too");
  });
});

/** Publishes the package of a copy of the project, made in `folder`. */
async function publish(
  registry: Registry,
  folder: string,
): Promise<{ readonly version: PublishedVersion; readonly copied: ReadonlySet<string> }> {
  const files = await readFolder(PROJECT_ROOT, (path) => NOT_COPIED.has(path));
  for (const decoy of DECOYS) files.set(decoy, new TextEncoder().encode("export {};\n"));
  await writeFolder(folder, files);
  const cwd = `${folder}-package`;
  await makePackage(folder, cwd);
  // provenance would ask GitHub for a signature when this runs there
  const args = ["publish", "--allow-dirty", "--no-provenance", "--token", TOKEN];
  const { success, stdout, stderr } = await runDeno(args, { cwd, env: { JSR_URL: registry.url } });
  assert(success, stdout + stderr);
  const version = registry.versions.find(({ name }) => name === config.name);
  assert(version !== undefined, "deno publish ended well, but nothing was published");
  assertEquals(version.version, config.version);
  return { version, copied: new Set(files.keys()) };
}

function specifiersOf({ moduleGraph }: PublishedVersion): string[] {
  return Object.values(moduleGraph).flatMap(({ dependencies = [] }) => dependencies.map(specifierOf));
}

function specifierOf({ specifier, argument }: Dependency): string {
  return specifier ?? argument ?? "";
}

/** Nothing but reading and writing below the directory was tried, except for what is named in `also`. */
async function checkPermissions(audit: string, directory: string, also: ReadonlySet<string>): Promise<void> {
  const lines = (await Deno.readTextFile(audit)).trim().split("\n");
  const touched: { permission: string; value: string }[] = lines.map((line) => JSON.parse(line));
  const others = touched.filter(({ permission, value }) => {
    const isInside = value === directory || value.startsWith(join(directory, "/"));
    return !(isInside && (permission === "read" || permission === "write"));
  });
  const names = new Set(others.map(({ permission, value }) => `${permission} ${value}`));
  assertEquals(names, also);
  assert(touched.some(({ permission }) => permission === "write"));
}
