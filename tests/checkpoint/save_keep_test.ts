import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { build, load } from "../../src/checkpoint/mod.ts";
import { Context } from "../../src/context/mod.ts";
import { MemoryStore } from "../../src/store/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { bytesOf, put, putForeign, textOf } from "./blobs.ts";
import { contextOf, SILENT } from "./runs.ts";

Deno.test("save() keeps trainable flags, and a load gives the manifest's, else the Context's, else true", async () => {
  const store = new MemoryStore();
  const ctx = contextOf({ frozen: [1], free: [2] });
  ctx.in("a").getVariable("frozen")?.setTrainable(false);
  const { baseName } = await (await build(ctx).store(store).done()).save();
  const flags = async (fill: (ctx: Context) => void): Promise<readonly unknown[]> => {
    const again = new Context();
    fill(again);
    await load(again).store(store).onWarning(SILENT).done();
    return ["frozen", "free"].map((name) => again.in("a").getVariable(name)?.trainable);
  };
  const own = (again: Context): void => {
    again.in("a").variableWithValue("frozen", [0]);
    again.in("a").variableWithValue("free", [0]).setTrainable(false);
  };
  assertEquals(await flags(SILENT), [false, true]);
  assertEquals(await flags(own), [false, true]);
  // As GoMLX writes it, a file says nothing of it.
  const manifest = JSON.parse(
    await textOf(store, `${baseName}.json`),
    (key, value) => key === "Cairn" ? undefined : value,
  );
  await put(store, `${baseName}.json`, JSON.stringify(manifest));
  assertEquals(await flags(SILENT), [true, true]);
  assertEquals(await flags(own), [true, false]);
});

Deno.test("save() keeps each param's Go type, NaN and infinities, and exact big integers", async () => {
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.setParams({ int: 3, float: 0.5, big: 2n ** 53n + 1n, nan: NaN, inf: [1, -Infinity], text: "x", nil: null });
  await (await build(ctx).store(store).done()).save();
  const again = new Context();
  const handler = await load(again).store(store).keep(-1).done();
  const rows = (of: Context): unknown => of.params.map(({ key, goType, value }) => [key, goType, value]);
  assertEquals(rows(again), [
    ["big", "int64", 2n ** 53n + 1n],
    ["float", "float64", 0.5],
    ["inf", "[]float64", [1, -Infinity]],
    ["int", "int", 3],
    ["nan", "float64", NaN],
    ["nil", "<nil>", null],
    ["text", "string", "x"],
  ]);
  again.setParam("float", 2);
  again.setParam("big", 5);
  const saved = await handler.save();
  const third = new Context();
  await load(third).store(store).at(saved.baseName).done();
  assertEquals(third.getGoParam("float"), again.getGoParam("float"));
  assertEquals([third.getGoParam("float")?.goType, third.getGoParam("big")?.goType], ["float64", "int64"]);
  assertEquals([third.getParam("float"), third.getParam("big"), third.getParam("nan")], [2, 5, NaN]);
});

Deno.test("save() keeps unknown JSON keys at every level, and again at the next save, raw or compressed", async () => {
  for (const compression of ["none", "gzip"] as const) {
    for (const extras of [true, false]) {
      const store = new MemoryStore();
      const rows = [
        { name: "var:/a/read", values: [1], more: { Sha: "r", Deep: { x: [1, 2.50, null] } } },
        { name: "var:/a/pending", values: [2], more: { Sha: "p" } },
        { name: "var:/a/registered", values: [3], more: { Sha: "g" } },
      ];
      const params = [{ Scope: "/", Key: "lr", Value: 0.5, ValueType: "float64", Note: "n" }];
      const more = { Team: { name: "x" }, Tags: ["a"] };
      await putForeign(store, "checkpoint-n0000000-20240101-000000-initial", rows, { params, more });
      const ctx = new Context();
      const warnings: string[] = [];
      const handler = await build(ctx).store(store).compress(compression).extras(extras).keep(1)
        .onWarning((text) => warnings.push(text)).done();
      assertEquals(ctx.in("a").getVariable("read")?.value().toNested(), [1]);
      ctx.in("a").getVariable("registered");
      // The last two are captured before the one before has run.
      const saves = [
        await handler.save(),
        await handler.save(),
        ...await Promise.all([handler.save(), handler.save()]),
      ];
      for (const [index, { baseName }] of saves.entries()) {
        if (!(await handler.listCheckpoints()).includes(baseName)) continue;
        const manifest = JSON.parse(await textOf(store, `${baseName}.json`));
        const what = `save ${index}, ${compression}, extras ${extras}`;
        assertEquals([manifest.Team, manifest.Tags, manifest.Params[0].Note], [more.Team, more.Tags, "n"], what);
        const shas = Object.fromEntries(
          Array.from(
            manifest.Variables,
            (row: { ParameterName: string; Sha?: string }) => [row.ParameterName, row.Sha],
          ),
        );
        assertEquals(
          [shas["var:/a/read"], shas["var:/a/pending"], shas["var:/a/registered"]],
          ["r", "p", "g"],
          what,
        );
      }
      // Compressing a file that GoMLX v0.10 reads is worth a warning; that is another matter.
      assertEquals(warnings.filter((text) => !text.includes("before v0.25")), []);
    }
  }
});

Deno.test("save() drops an entry's unknown keys once its bytes have changed, and reports it", async () => {
  const store = new MemoryStore();
  const rows = [
    { name: "var:/a/set", values: [1], more: { Sha: "1" } },
    { name: "var:/a/written", values: [2], more: { Sha: "2", Md5: "2" } },
    { name: "var:/a/same", values: [3], more: { Sha: "3" } },
  ];
  await putForeign(store, "checkpoint-n0000000-20240101-000000-initial", rows);
  const ctx = new Context();
  const warnings: string[] = [];
  const handler = await build(ctx).store(store).keep(-1).onWarning((text) => warnings.push(text)).done();
  ctx.in("a").getVariable("set")?.setValue(Tensor.from([7]));
  const written = ctx.in("a").getVariable("written")?.value().data();
  if (written instanceof Float32Array) written[0] = 8;
  ctx.in("a").getVariable("same")?.value();
  const { baseName } = await handler.save();
  const manifest = JSON.parse(await textOf(store, `${baseName}.json`));
  const shas = manifest.Variables.map((row: { Sha?: string }) => row.Sha);
  assertEquals(shas, [undefined, undefined, "3", undefined]);
  assertEquals(warnings.length, 2);
  assertStringIncludes(warnings[0] ?? "", 'variable "var:/a/set": its keys "Sha" are dropped');
  assertStringIncludes(warnings[1] ?? "", 'variable "var:/a/written": its keys "Sha", "Md5" are dropped');
  await handler.save();
  assertEquals(warnings.length, 2);
});

Deno.test("save() keeps the unknown keys of a param whose value has changed", async () => {
  const store = new MemoryStore();
  const params = [
    { Scope: "/", Key: "lr", Value: 0.5, ValueType: "float64", Note: "n" },
    { Scope: "/", Key: "same", Value: 0.5, ValueType: "float64", Note: "s" },
  ];
  await putForeign(store, "checkpoint-n0000000-20240101-000000-initial", [], { params });
  const ctx = new Context();
  const warnings: string[] = [];
  const handler = await build(ctx).store(store).keep(-1).onWarning((text) => warnings.push(text)).done();
  ctx.setParam("lr", 0.25);
  const { baseName } = await handler.save();
  const rows = JSON.parse(await textOf(store, `${baseName}.json`)).Params;
  assertEquals([rows[0].Value, rows[0].Note, rows[1].Note, warnings], [0.25, "n", "s", []]);
});

Deno.test("save() goes on in the loaded file's profile and spellings", async () => {
  const store = new MemoryStore();
  const base = "checkpoint-n0000000-20240101-000000-initial";
  await putForeign(store, base, [{ name: "var:/w", values: [1], more: { DType: "float32", Dimensions: [1] } }], {
    more: { BinFormat: "uncompressed" },
  });
  const handler = await build(new Context()).store(store).keep(-1).onWarning(SILENT).done();
  const saved = await handler.save();
  assertEquals(saved.profile, "gomlx-0.28");
  const row = JSON.parse(await textOf(store, `${saved.baseName}.json`)).Variables.find((
    each: { ParameterName: string },
  ) => each.ParameterName === "var:/w");
  assertEquals([row.ParameterName, row.DType], ["var:/w", "float32"]);
});

Deno.test("save() of a copied payload is byte for byte the loaded one", async () => {
  const store = new MemoryStore();
  const ctx = contextOf({ w: [1, 2, 3], v: [4] });
  ctx.setGlobalStep(5);
  const clock = (): Date => new Date(0);
  const first = await (await build(ctx).store(store).clock(clock).done()).save();
  const again = new Context();
  const handler = await build(again).store(store).keep(-1).clock(clock).done();
  again.in("a").getVariable("w");
  again.in("a").getVariable("v");
  const second = await handler.save();
  assertNotEquals(first.baseName, second.baseName);
  for (const suffix of [".bin", ".json"]) {
    assertEquals(await bytesOf(store, first.baseName + suffix), await bytesOf(store, second.baseName + suffix));
  }
});

Deno.test("save() writes a param that nobody changed as the file spells it", async () => {
  const store = new MemoryStore();
  const base = "checkpoint-n0000000-20240101-000000-initial";
  const untyped = { Scope: "/", Key: "old", Value: 3 };
  const misfit = { Scope: "/", Key: "misfit", Value: 1.9, ValueType: "int" };
  await putForeign(store, base, [], { params: [misfit, untyped] });
  const text = (await textOf(store, `${base}.json`)).replace('"Value":3', '"Value":3.50e+00');
  await put(store, `${base}.json`, text);
  const ctx = new Context();
  const handler = await build(ctx).store(store).extras(false).keep(-1).onWarning(SILENT).done();
  assertEquals([ctx.getParam("old"), ctx.getParam("misfit")], [3.5, 1.9]);
  const saved = await handler.save();
  const written = await textOf(store, `${saved.baseName}.json`);
  assertStringIncludes(written, '"Value": 3.50e+00\n');
  assertEquals(JSON.parse(written).Params, [misfit, { ...untyped, Value: 3.5 }]);
});
