import { assertEquals, assertGreater } from "@std/assert";
import { join, relative } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { PROJECT_ROOT } from "../tools/deno_process.ts";
import { findLoaded, findNpmImports, findWrongImports, listImports } from "./rooms.ts";

/** As few as there are: a file more is to be a decision. */
const MOST_LOADED = 147;
/** What is loaded when it is used: HTML, means, saving, looking after what was saved. */
const LATE =
  /_html\.ts$|png\.ts$|mean|host_mean|_kernel|examine|repair|timeline|sandbox|untrusted|sweep|trash|\/save\.ts$|encode_manifest|verify/;

Deno.test("src imports only from later rooms to earlier ones", async () => {
  const files = await readSources();
  assertGreater(files.size, 10);
  assertEquals(findWrongImports(files), []);
});

Deno.test("mod.ts and all that it imports need no npm package", async () => {
  assertEquals(findNpmImports("mod.ts", await readSources(), config.imports), []);
});

Deno.test("no module of src imports node: to load, but for tfjs-node: it takes longer than all of Cairn", async () => {
  const found = [...await readSources()].filter(([, source]) => /^import (?!type).* from "node:/m.test(source));
  assertEquals(found.map(([path]) => path).filter((path) => path.startsWith("src/")), [
    "src/backend/import_tfjs_node.ts",
  ]);
});

Deno.test("mod.ts loads only what opening a checkpoint and reading a value need: each file costs 0.2 ms", async () => {
  // Of std one function each: the whole of it is a hundred modules.
  const loaded = findLoaded("mod.ts", await readSources()).filter((path) => !path.startsWith("@std/path/"));
  assertGreater(MOST_LOADED + 1, loaded.length);
  assertEquals(loaded.filter((path) => !path.endsWith(".ts")), []);
  assertEquals(loaded.filter((path) => LATE.test(path)), []);
  assertEquals(loaded.filter((path) => /^src\/(testing|train|tfjs)\//.test(path)), []);
});

Deno.test("findLoaded() follows what runs, and neither types nor import()", () => {
  const files = new Map([
    ["mod.ts", 'export { a, type A } from "./src/a.ts";\nexport type { B } from "./src/b.ts";\n'],
    ["src/a.ts", 'import { type C } from "./c.ts";\nimport "./d.ts";\nimport {\n  e,\n} from "./e.ts";\n'],
    ["src/d.ts", '// import "./f.ts";\nconst late = () => import("./f.ts");\nimport { x } from "@std/path";\n'],
  ]);
  assertEquals(findLoaded("mod.ts", files), ["@std/path", "mod.ts", "src/a.ts", "src/d.ts", "src/e.ts"]);
});

Deno.test("findWrongImports() passes imports of earlier rooms, the same room, std and node", () => {
  const files = new Map([
    ["src/tensor/tensor.ts", 'import { A } from "../errors.ts";\nimport { b } from "./dtype.ts";\n'],
    ["src/checkpoint/save.ts", 'import type { S } from "../store/mod.ts";\nimport { join } from "@std/path";\n'],
    ["src/format/payload.ts", 'import { crc32 } from "node:zlib";\nimport { T } from "../context/mod.ts";\n'],
    ["tests/a_test.ts", 'import { a } from "../src/cli/mod.ts";\n'],
  ]);
  assertEquals(findWrongImports(files), []);
});

Deno.test("findWrongImports() catches every kind of import that points the wrong way", () => {
  const wrong: [path: string, source: string][] = [
    ["src/tensor/tensor.ts", 'import { Context } from "../context/mod.ts";'],
    ["src/tensor/tensor.ts", 'import type { Context } from "../context/context.ts";'],
    ["src/errors.ts", 'import { text } from "./render/mod.ts";'],
    ["src/format/json.ts", 'import type { Store } from "../store/store.ts";'],
    ["src/store/local_store.ts", 'import { Tensor } from "../tensor/mod.ts";'],
    ["src/render/text_table.ts", 'import { Tensor } from "../tensor/mod.ts";'],
    ["src/context/context.ts", 'export { save } from "../checkpoint/save.ts";'],
    ["src/context/context.ts", 'export * from "../checkpoint/mod.ts";'],
    ["src/context/context.ts", 'import "../cli/mod.ts";'],
    ["src/context/context.ts", 'import {\n  one,\n  type Two,\n} from "../train/mod.ts";'],
    ["src/context/context.ts", 'export function f() {\n  return import("../tfjs/mod.ts");\n}'],
    ["src/context/context.ts", 'import { join } from "../../tools/offline/std_path/mod.ts";'],
    ["src/context/context.ts", 'import { Tensor } from "@cairn/checkpoints";'],
    ["src/helpers/mod.ts", ""],
  ];
  for (const [path, source] of wrong) {
    assertEquals(findWrongImports(new Map([[path, source]])).length, 1, `${path}: ${source}`);
  }
});

Deno.test("findNpmImports() follows relative imports and the import map, and counts types", () => {
  const files = new Map([
    ["mod.ts", 'export { a } from "./src/a/mod.ts";'],
    ["src/a/mod.ts", 'import type { T } from "../b/b.ts";'],
    ["src/b/b.ts", 'import type * as tf from "npm:@tensorflow/tfjs@4";\nimport { x } from "left/pad.js";'],
    ["src/c/unused.ts", 'import "npm:unused";'],
  ]);
  assertEquals(findNpmImports("mod.ts", files, { "left": "npm:left-pad@1", "@std/path": "jsr:@std/path@1" }), [
    'src/b/b.ts: imports the npm package "npm:@tensorflow/tfjs@4"',
    'src/b/b.ts: imports the npm package "left/pad.js"',
  ]);
  assertEquals(findNpmImports("none.ts", files, {}), ["none.ts: does not exist"]);
});

Deno.test("listImports() leaves out the examples in comments", () => {
  const source = [
    "/**",
    ' * import { a } from "../a.ts";',
    " */",
    'import a, { b } from "./b.ts"; // import "./c.ts"',
    '// import "./d.ts"',
    'export const text = "x";',
    'export type T = import("./t.ts").T;',
  ].join("\n");
  assertEquals(listImports(source), ["./b.ts", "./t.ts"]);
});

async function readSources(): Promise<Map<string, string>> {
  const files = new Map([["mod.ts", await Deno.readTextFile(join(PROJECT_ROOT, "mod.ts"))]]);
  await addFolder(join(PROJECT_ROOT, "src"), files);
  return files;
}

async function addFolder(folder: string, files: Map<string, string>): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) await addFolder(path, files);
    else if (path.endsWith(".ts")) {
      files.set(relative(PROJECT_ROOT, path).replaceAll("\\", "/"), await Deno.readTextFile(path));
    }
  }
}
