/** The cases of `errors.json` about saving: done again with our Handler. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  build,
  Context,
  FormatError,
  type GoParam,
  goParam,
  type Handler,
  load,
  MemoryStore,
  type Profile,
  VariableError,
} from "@cairn/checkpoints";
import { namesIn } from "../../store/temporary_directory.ts";
import { bytesOf, contentsOf, namesOf, putForeign } from "../blobs.ts";
import { readErrorCase, type Version } from "./golden_expected.ts";
import { sha256 } from "./golden_content.ts";
import { inDirectory, refuses } from "./refuses.ts";

const PROFILES: readonly (readonly [Version, Profile])[] = [
  ["v0.19.4", "gomlx-0.10"],
  ["v0.27", "gomlx-0.25"],
  ["v0.28", "gomlx-0.28"],
];

/** What each id does again; throws if it does not end as wanted. */
export const SAVES_BY_HAND: { readonly [id: string]: () => Promise<void> } = {
  "save-ok": async () => {
    for (const [version, profile] of PROFILES) {
      const { store, ctx } = withX();
      await (await saver(ctx, store, profile)).save();
      assertEquals(await jsonHashes(store), goldenJsons(version, "save-ok", "filesAfter"));
    }
  },
  // Wanted: what JSON cannot hold is kept among Cairn's own keys, and comes back.
  "save-param-nan": () => keepsNonFinite(goParam("float64", NaN)),
  "save-param-inf": () => keepsNonFinite(goParam("float64", Infinity)),
  "save-param-neginf32": () => keepsNonFinite(goParam("float32", -Infinity)),
  "save-param-nan-in-list": () => keepsNonFinite(goParam("[]float64", [1, NaN])),
  // Refused when it is set: no file is touched.
  "save-param-complex": () => refusesParam(() => goParam("complex128", "(1+2i)")),
  "save-param-chan": () => refusesParam(() => goParam("chan int", 5)),
  "save-param-func": () => refusesParam(() => Reflect.apply(goParam, undefined, ["func()", () => {}])),
  "save-var-uninitialised": () =>
    leavesNothing('no value yet in 1 variable: "/u"', (ctx) => {
      ctx.variableWithShape("u", "Float32", [2]);
    }),
  "save-global-step-f32": () =>
    leavesNothing("global_step", (ctx) => {
      ctx.variableWithValue("global_step", 3);
    }),
  "save-global-step-vec": () =>
    leavesNothing("global_step", (ctx) => {
      ctx.variableWithValue("global_step", [3n]);
    }),
  "save-dir-removed": () =>
    inDirectory(async (path) => {
      await using handler = await build(new Context()).dir(`${path}/run`).done();
      await Deno.remove(handler.dir(), { recursive: true });
      await refuses("not-found", () => handler.save(), `${path}/run`);
      assertEquals(namesIn(path), []);
    }),
  "save-nan-then-load": async () => {
    for (const [version, profile] of PROFILES) {
      const { store, ctx } = withX();
      const handler = await saver(ctx, store, profile);
      await handler.save();
      const good = await contentsOf(store);
      ctx.setParam("k", goParam("float64", NaN));
      await assertRejects(() => handler.save(), FormatError, "JSON cannot hold NaN");
      assertEquals(await contentsOf(store), good, "GoMLX leaves an empty .json here");
      ctx.setParam("k", goParam("float64", 1));
      await handler.save();
      assertEquals(await jsonHashes(store), goldenJsons(version, "save-nan-then-load", "filesAfterThird"));
      await load(new Context()).store(store).done();
    }
  },
  "save-nan-load": async () => {
    const { store, ctx } = withX();
    const handler = await saver(ctx, store, "gomlx-0.10");
    const { baseName } = await handler.save();
    ctx.setParam("k", NaN);
    await assertRejects(() => handler.save(), FormatError);
    // Wanted: in GoMLX the next load fails, at the empty .json.
    assertEquals(readErrorCase("save-nan-load").outcome.kind, "error");
    assertEquals((await load(new Context()).store(store).done()).loadedBase, baseName);
  },
  "keep-foreign": async () => {
    const store = new MemoryStore();
    const foreign = ["checkpoint-0foreign", "checkpoint-zz"];
    for (const base of foreign) await putForeign(store, base, []);
    const handler = await build(new Context()).store(store).keep(1).done();
    const { baseName } = await handler.save();
    // GoMLX takes them for checkpoints: one goes, and with it the new one, since the other is "newer".
    const kept = [...foreign, baseName].flatMap((base) => [`${base}.bin`, `${base}.json`]);
    assertEquals((await namesOf(store)).sort(), kept.sort());
  },
  "backup-bin-missing": async () => {
    const { store, ctx } = withX();
    const handler = await saver(ctx, store, "gomlx-0.10");
    const { baseName } = await handler.save();
    await store.remove(`${baseName}.bin`);
    await refuses("not-found", () => handler.backup(), `${baseName}.bin`);
    assertEquals(await namesOf(store), [`${baseName}.json`]);
  },
};

function withX(): { readonly store: MemoryStore; readonly ctx: Context } {
  const ctx = new Context();
  ctx.variableWithValue("x", [1]);
  return { store: new MemoryStore(), ctx };
}

function saver(ctx: Context, store: MemoryStore, profile: Profile): Promise<Handler> {
  const config = build(ctx).store(store).keep(1).profile(profile).extras(false);
  return (profile === "gomlx-0.10" ? config : config.compress("gzip")).done();
}

async function jsonHashes(store: MemoryStore): Promise<string[]> {
  const names = (await namesOf(store)).filter((name) => name.endsWith(".json"));
  return await Promise.all(names.map(async (name) => sha256(await bytesOf(store, name))));
}

function goldenJsons(version: Version, id: string, key: "filesAfter" | "filesAfterThird"): string[] {
  const files = readErrorCase(id, version)[key] ?? [];
  const hashes = files.filter(({ name }) => name.endsWith(".json")).map((each) => each.sha256);
  assertEquals(hashes.length, 1);
  return hashes;
}

async function keepsNonFinite(param: GoParam): Promise<void> {
  for (const extras of [true, false]) {
    const { store, ctx } = withX();
    ctx.setParam("k", param);
    const handler = await build(ctx).store(store).extras(extras).done();
    if (!extras) {
      await assertRejects(() => handler.save(), FormatError, 'Cannot save param "k" of scope "/"');
      assertEquals(await namesOf(store), [], "GoMLX leaves an empty .json here");
      continue;
    }
    await handler.save();
    const again = new Context();
    await load(again).store(store).done();
    assertEquals(again.getGoParam("k"), param);
  }
}

function refusesParam(make: () => GoParam): Promise<void> {
  assertThrows(make, VariableError, "Cannot make a param");
  return Promise.resolve();
}

async function leavesNothing(
  message: string,
  prepare: (ctx: Context) => void,
): Promise<void> {
  const { store, ctx } = withX();
  prepare(ctx);
  const handler = await build(ctx).store(store).done();
  await assertRejects(() => handler.save(), VariableError, message);
  assertEquals(await namesOf(store), []);
}
