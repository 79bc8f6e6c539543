import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { type DenoOutput, runDeno } from "./deno_run.ts";
import { readModuleGraph } from "./module_graph.ts";
import { type PackageFiles, writeFolder } from "../../tools/package_files.ts";
import { Registry } from "./registry.ts";

Deno.test("readModuleGraph() lists what each module imports, and where it says so", async () => {
  const files = filesOf({
    "mod.ts": 'import type { A } from "./a.ts";\nexport const a: A = 1;\nawait import("jsr:@std/path@^1.0.0");\n',
    "a.ts": "export type A = number;\n",
    "other.ts": 'import "node:zlib";\n',
    "bundled.js": '// @ts-self-types="./a.ts"\n',
    "unused.ts": "",
  });
  assertEquals(await readModuleGraph(files, ["./mod.ts", "./other.ts", "./bundled.js"]), {
    "/a.ts": {},
    "/bundled.js": { selfTypesSpecifier: { text: "./a.ts", range: [[0, 18], [0, 26]] } },
    "/mod.ts": {
      dependencies: [
        { type: "static", kind: "importType", specifier: "./a.ts", specifierRange: [[0, 23], [0, 31]] },
        { type: "dynamic", argument: "jsr:@std/path@^1.0.0", argumentRange: [[2, 13], [2, 35]] },
      ],
    },
    "/other.ts": {
      dependencies: [{ type: "static", kind: "import", specifier: "node:zlib", specifierRange: [[0, 7], [0, 18]] }],
    },
  });
});

Deno.test("readModuleGraph() refuses what would not work for somebody else", async () => {
  const cases: [source: string, message: string][] = [
    ['import "./missing.ts";', "missing.ts"],
    ['import type { A } from "./missing.ts";', "missing.ts"],
    ['import "../../elsewhere.ts";', "elsewhere.ts"],
    ['import "@std/path";', 'imports "@std/path"'],
    ['import "jsr:@std/path";', 'imports "jsr:@std/path"'],
    ['await import("npm:left-pad");', 'imports "npm:left-pad"'],
    ['import "https://deno.land/x/a.ts";', 'imports "https://deno.land/x/a.ts"'],
    ["import {;", "mod.ts"],
  ];
  await Promise.all(cases.map(async ([source, message]) => {
    await assertRejects(() => readModuleGraph(filesOf({ "mod.ts": source }), ["./mod.ts"]), Error, message);
  }));
});

Deno.test("Registry takes no wrong token, and Deno no module that is not as it was published", async () => {
  await using directory = await TemporaryDirectory.make();
  await using registry = new Registry("right");
  const config = { name: "@test/small", version: "1.0.0", license: "MIT", exports: "./mod.ts" };
  const files = filesOf({ "deno.json": JSON.stringify(config), "mod.ts": "export const one: number = 1;\n" });
  const project = join(directory.path, "project");
  await writeFolder(project, files);
  await Deno.writeTextFile(
    join(directory.path, "main.ts"),
    'import { one } from "jsr:@test/small@1"; console.log(one);',
  );

  const refused = await publish("wrong");
  assertEquals([refused.success, registry.versions.length], [false, 0]);
  assertStringIncludes(refused.stderr, "The token is wrong");

  const accepted = await publish("right");
  assertEquals([accepted.success, registry.versions.length], [true, 1], accepted.stderr);
  const loaded = await run("first");
  assertEquals(loaded.stdout, "1\n", loaded.stderr);

  // 1 becomes 2
  registry.versions[0]?.files.get("mod.ts")?.set(new TextEncoder().encode("2"), 27);
  const changed = await run("second");
  assertEquals([changed.success, changed.stdout], [false, ""]);
  assertStringIncludes(changed.stderr, "Integrity check failed");

  function publish(token: string): Promise<DenoOutput> {
    const args = ["publish", "--no-check", "--allow-dirty", "--no-provenance", "--token", token];
    return runDeno(args, { cwd: project, env: { JSR_URL: registry.url } });
  }

  function run(denoDir: string): Promise<DenoOutput> {
    const env = { JSR_URL: registry.url, DENO_DIR: join(directory.path, denoDir) };
    return runDeno(["run", "main.ts"], { cwd: directory.path, env });
  }
});

function filesOf(texts: Readonly<Record<string, string>>): PackageFiles {
  return new Map(Object.entries(texts).map(([path, text]) => [path, new TextEncoder().encode(text)]));
}
