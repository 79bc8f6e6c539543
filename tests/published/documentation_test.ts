import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { PROJECT_ROOT } from "../../tools/deno_process.ts";
import config from "../../deno.json" with { type: "json" };
import { runDeno } from "./deno_run.ts";
import { countSymbols, type DenoDoc, findUndocumented } from "./undocumented.ts";

const EXPORTS = Object.values<string>(config.exports);

for (const path of EXPORTS) {
  Deno.test(`every symbol and member that ${path} exports is described, and so is the module`, async () => {
    const doc = await readDoc(path, PROJECT_ROOT);
    assertGreater(countSymbols(doc), 0);
    assertEquals(findUndocumented(doc), []);
  });
}

Deno.test("deno doc finds nothing wrong with the exports: no private types, no missing return types", async () => {
  const { success, stdout, stderr } = await runDeno(["doc", "--lint", ...EXPORTS], { cwd: PROJECT_ROOT });
  assert(success, stdout + stderr);
});

Deno.test("README has an example, and the package a licence that JSR knows", async () => {
  const readme = await Deno.readTextFile(join(PROJECT_ROOT, "README.md"));
  assertMatch(readme, /^```ts\n[^`]*from "@cairn\/checkpoints"/m);
  assertEquals(config.license, "Apache-2.0");
  assertMatch(
    await Deno.readTextFile(join(PROJECT_ROOT, "LICENSE")),
    /^\s*Apache License\s+Version 2\.0, January 2004/,
  );
});

Deno.test("findUndocumented() finds whatever has no description, and leaves out what is private", async () => {
  const folder = await Deno.makeTempDir({ prefix: "cairn-doc-" });
  try {
    await Deno.writeTextFile(
      join(folder, "mod.ts"),
      `
      /** Described. */
      export class Good {
        #a = 1;
        /** Described. */
        b: number = this.#a;
        private c = 2;
        private constructor() {}
        /** Described. */
        d(e: number): void;
        /** Described. */
        d(e: string): void;
        d(e: unknown): void {}
      }
      export class Bad {
        constructor() {}
        b(): void {}
        get c(): number {
          return 1;
        }
        static d = 1;
        /** Described. */
        e(f: number): void;
        e(f: string): void;
        e(f: unknown): void {}
      }
      /** Described. */
      export interface I {
        a: number;
        b(): void;
        (): void;
        [key: string]: unknown;
        new (): I;
      }
      /** Described. */
      export type T = {
        a: number;
        /** Described. */
        b: number;
      };
      /** @example */
      export function f(): void {}
      /** Described. */
      export function g(a: number): void;
      /** Described. */
      export function g(a: string): void;
      export function g(a: unknown): void {}
      /** Described. */
      export enum E {
        A,
      }
      export const v = 1;
      /** Described. */
      export namespace N {
        export const inner = 1;
      }
      const hidden = 1;
      `,
    );
    const missing = findUndocumented(await readDoc("mod.ts", folder)).map((line) => line.replace(/^file:.*: /, ""));
    assertEquals(missing.sort(), [
      "Bad",
      "Bad.b",
      "Bad.c",
      "Bad.constructor",
      "Bad.d",
      "Bad.e",
      "E.A",
      "I.[signature]",
      "I.[signature]",
      "I.[signature]",
      "I.a",
      "I.b",
      "N.inner",
      "T.a",
      "f",
      "the module",
      "v",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function readDoc(path: string, cwd: string): Promise<DenoDoc> {
  const { success, stdout, stderr } = await runDeno(["doc", "--json", path], { cwd });
  assert(success, stderr);
  return JSON.parse(stdout);
}
