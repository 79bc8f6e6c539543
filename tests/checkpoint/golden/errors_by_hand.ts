/** The cases of `errors.json` that are no files to load: done again with our Config, Handler and Context. */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  build,
  type Config,
  Context,
  load,
  MemoryStore,
  openCheckpoint,
  ShapeError,
  VariableError,
} from "@cairn/checkpoints";
import { namesIn } from "../../store/temporary_directory.ts";
import { put, putForeign } from "../blobs.ts";
import { readErrorCase } from "./golden_expected.ts";
import { assertSameContents, contentsOf, withoutTime } from "./golden_content.ts";
import { inDirectory, refuses } from "./refuses.ts";
import { SAVES_BY_HAND } from "./errors_of_saving.ts";

const BASE = "checkpoint-n0000000-20250601-140309-initial";
/** Two variables, as in most of Go's cases. */
const GOOD = JSON.stringify({
  Params: null,
  Variables: [
    { ParameterName: "var:/s/x", Dimensions: [2], DType: "Float32", Pos: 0, Length: 8 },
    { ParameterName: "var:/s/y", Dimensions: [3], DType: "Float32", Pos: 8, Length: 12 },
  ],
});
const BIN = new Uint8Array(new Float32Array([1, 2, 3, 4, 5]).buffer);

/** What each id does again; throws if it does not end as wanted. */
export const BY_HAND: { readonly [id: string]: () => Promise<void> } = {
  ...counters(),
  ...configurations(),
  ...embedded(),
  ...SAVES_BY_HAND,
  ...uses(),
};

function counters(): { readonly [id: string]: () => Promise<void> } {
  const names = [
    [],
    ["checkpoint-20230601-101010-step-000010"],
    ["checkpoint-n0000007-20250601-140309-initial", "checkpoint-n0000009-20250601-140309-step-00000001"],
    ["checkpoint-foo"],
    ["checkpoint-n12-x"],
    ["checkpoint-n99999999999999999999-x"],
    ["checkpoint-n9223372036854775807-x"],
    ["checkpoint-n-x"],
    ["checkpoint-n0000003"],
  ];
  // What GoMLX never writes is somebody else's: no counter is taken from it. Go's own overflows to a negative one.
  const ours = new Map([
    ["checkpoint-n12-x", "checkpoint-n0000000-TIME-initial"],
    ["checkpoint-n9223372036854775807-x", "checkpoint-n0000000-TIME-initial"],
  ]);
  return Object.fromEntries(names.map((bases) => {
    const id = `counter-[${bases.join(" ")}]`;
    return [id, async () => {
      const next = await nextName(bases);
      assertEquals(next, ours.get(bases.join()) ?? withoutTime(readErrorCase(id).next?.replace(".json", "") ?? ""));
      if (id !== "counter-[checkpoint-n9223372036854775807-x]") return;
      const spelled = ["checkpoint-n9223372036854775807-20250601-140309-initial"];
      assertEquals(await nextName(spelled), "checkpoint-n9223372036854775808-TIME-initial");
      const newest = await nextName(["checkpoint-n9999999-20250601-140309-initial"]);
      assertEquals(newest, "checkpoint-n10000000-TIME-initial");
    }];
  }));
}

async function nextName(bases: readonly string[]): Promise<string> {
  const store = new MemoryStore();
  for (const base of bases) await putForeign(store, base, [{ name: "var:/s/x", values: [1, 2] }]);
  const handler = await build(new Context()).store(store).keep(-1).onWarning(() => {}).done();
  const { baseName } = await handler.save();
  assertEquals((await openCheckpoint(store)).baseName, baseName, "it is the newest");
  return withoutTime(baseName);
}

function configurations(): { readonly [id: string]: () => Promise<void> } {
  return {
    "load-no-dir": () =>
      inDirectory(async (path) => {
        await refuses("not-found", () => load(new Context()).dir(`${path}/nope`).done(), `${path}/nope`);
        assertEquals(namesIn(path), []);
      }),
    "load-empty-dir": () =>
      inDirectory((path) => refuses("not-found", () => load(new Context()).dir(path).done(), "No checkpoint in")),
    "build-new-dir": () =>
      inDirectory(async (path) => {
        await using handler = await build(new Context()).dir(`${path}/new/deep`).done();
        const { isDirectory, mode } = await Deno.stat(handler.dir());
        // 0o770 before the umask.
        assertEquals([isDirectory, (mode ?? 0) & 0o007, (mode ?? 0) & 0o700], [true, 0, 0o700]);
        assertMatch(readErrorCase("build-new-dir").mode ?? "", /^drwx...---$/);
      }),
    "build-file": () =>
      inDirectory(async (path) => {
        await Deno.writeFile(`${path}/afile`, new Uint8Array());
        await refuses("store", () => build(new Context()).dir(`${path}/afile`).done(), "ot a directory");
      }),
    "build-under-file": () =>
      inDirectory(async (path) => {
        await Deno.writeFile(`${path}/afile`, new Uint8Array());
        await refuses("store", () => build(new Context()).dir(`${path}/afile/sub`).done(), "ot a directory");
      }),
    "build-nothing": () => refuses("config", () => build(new Context()).done(), "No place for checkpoints"),
    "build-empty-dir-name": () => refuses("config", () => build(new Context()).dir("").done(), 'directory ""'),
    "build-both": () =>
      inDirectory((path) =>
        refuses("config", () => build(new Context()).dir(path).fromEmbed(GOOD, BIN).done(), "choose one")
      ),
    "mustdone": () =>
      refuses("config", () => build(new Context()).mustDone(), "Failed to create checkpoints.Handler: No place"),
    "build-nil-ctx": () =>
      refuses("config", () => Reflect.apply(build, undefined, [null]).store(new MemoryStore()).done(), "Context"),
    "tempdir-bad-parent": () =>
      inDirectory((path) => refuses("store", () => build(new Context()).tempDir(`${path}/nope`, "p").done(), "nope")),
    "tempdir-ok": () =>
      inDirectory(async (path) => {
        await using handler = await build(new Context()).tempDir(path, "p*q").done();
        assertMatch(handler.dir().slice(path.length), /^\/p.+q$/);
        assertEquals(((await Deno.stat(handler.dir())).mode ?? 0) & 0o777, 0o770);
        assertEquals(String(handler), `checkpoints.Handler("${handler.dir()}")`);
      }),
    "same-config-twice": async () => {
      const store = new MemoryStore();
      await put(store, `${BASE}.bin`, BIN);
      await put(store, `${BASE}.json`, GOOD);
      const config = build(new Context()).store(store);
      await config.done();
      assertEquals((await config.done()).loadedVariables().size, 2);
    },
  };
}

function embedded(): { readonly [id: string]: () => Promise<void> } {
  const embed = (json: string, bin: Uint8Array): Config => build(new Context()).fromEmbed(json, bin);
  return {
    "embed-ok": async () => {
      const ctx = new Context();
      await using _ = await build(ctx).fromEmbed(GOOD, BIN).immediate().done();
      assertSameContents(contentsOf(ctx.iterVariables()), readErrorCase("embed-ok").variables ?? [], "variables");
    },
    "embed-short": () => refuses("corrupt", () => embed(GOOD, BIN.subarray(0, 14)).done(), "it has 14 bytes"),
    "embed-empty-bin": () => refuses("corrupt", () => embed(GOOD, new Uint8Array()).done(), "it has 0 bytes"),
    "embed-bad-json": () => refuses("format", () => embed("{", BIN).done(), "found the end of the text"),
    "embed-empty-json": () => refuses("format", () => embed("", new Uint8Array()).done(), "it is empty"),
    "embed-list": async () => {
      // GoMLX lists the directory "", and fails.
      await using handler = await embed(GOOD, BIN).done();
      assertEquals([await handler.listCheckpoints(), await handler.hasCheckpoints(), handler.dir()], [[], false, ""]);
    },
    "embed-save": () =>
      inDirectory(async (path) => {
        const before = Deno.cwd();
        Deno.chdir(path);
        try {
          await using handler = await embed(GOOD, BIN).done();
          await refuses("config", () => handler.save(), "fromEmbed(), which only reads");
          await refuses("config", () => handler.backup(), "");
        } finally {
          Deno.chdir(before);
        }
        // GoMLX leaves two files in the working directory.
        assertEquals(namesIn(path), []);
      }),
  };
}

function uses(): { readonly [id: string]: () => Promise<void> } {
  const throws = (
    type: typeof VariableError | typeof ShapeError,
    message: string,
    use: (ctx: Context) => unknown,
  ) =>
  async (): Promise<void> => {
    const ctx = await loadedContext();
    assertThrows(() => use(ctx), type, message);
  };
  return {
    // v0.28 has no such checks any more; ours are those of v0.19.4.
    "use-withvalue-unique": throws(VariableError, "ctx.reuse()", (ctx) => ctx.in("s").variableWithValue("x", [9, 9])),
    "use-withshape-unique": throws(
      VariableError,
      "ctx.checked(false)",
      (ctx) => ctx.in("s").variableWithShape("x", "Float32", [2]),
    ),
    "use-withvalue-reuse": async () => {
      const variable = (await loadedContext()).in("s").reuse().variableWithValue("x", [9, 9]);
      assertEquals(variable.value().toNested(), [1, 2]);
    },
    "use-reuse-absent": throws(
      VariableError,
      "does not exist",
      (ctx) => ctx.in("s").reuse().variableWithValue("zz", [9, 9]),
    ),
    "use-shape-mismatch": throws(
      ShapeError,
      "(Float32)[2]",
      (ctx) => ctx.in("s").checked(false).variableWithShape("x", "Float32", [3]),
    ),
    "use-dtype-mismatch": throws(
      ShapeError,
      "(Float64)[2]",
      (ctx) => ctx.in("s").checked(false).variableWithShape("x", "Float64", [2]),
    ),
    "use-value-shape-mismatch": throws(
      ShapeError,
      "(Float32)[3]",
      (ctx) => ctx.in("s").checked(false).variableWithValue("x", [1, 2, 3]),
    ),
    "use-value-dtype-mismatch": throws(
      ShapeError,
      "(Int32)[2]",
      (ctx) => ctx.in("s").checked(false).variableWithValue("x", [1, 2], "Int32"),
    ),
    "use-global-step-f32": throws(VariableError, "global_step", (ctx) => ctx.getGlobalStep()),
    "use-scope-with-slash": throws(VariableError, '"a/b"', (ctx) => ctx.in("a/b")),
    "use-scope-empty": throws(VariableError, '""', (ctx) => ctx.in("")),
    "use-abs-relative": throws(VariableError, '"a"', (ctx) => ctx.inAbsPath("a")),
    "use-param-wrong-type": throws(VariableError, "k", (ctx) => {
      ctx.setParam("k", "text");
      ctx.getParamOr("k", 1);
    }),
  };
}

async function loadedContext(): Promise<Context> {
  const store = new MemoryStore();
  const step = { ParameterName: "var://global_step", Dimensions: null, DType: "Float32", Pos: 8, Length: 4 };
  const row = { ParameterName: "var:/s/x", Dimensions: [2], DType: "Float32", Pos: 0, Length: 8 };
  await put(store, `${BASE}.bin`, new Uint8Array(new Float32Array([1, 2, 7]).buffer));
  await put(store, `${BASE}.json`, JSON.stringify({ Params: null, Variables: [row, step] }));
  const ctx = new Context();
  await load(ctx).store(store).done();
  return ctx;
}
