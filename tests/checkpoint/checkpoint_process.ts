import { build, Context, load, openCheckpoint } from "../../mod.ts";
import { printOutcomes } from "../store/operation_outcome.ts";

// Run by tests in a process of its own: `checkpoint_process.ts DIR OPERATION...`. Prints one JSON line per operation,
// with its result or its error.

const [dir = "", ...operations] = Deno.args;

await printOutcomes(operations, run);

async function run(operation: string): Promise<unknown> {
  const ctx = new Context();
  switch (operation) {
    case "import":
      return "imported";
    case "set":
      return build(ctx).dir(dir).keep(3).excludeParams("x").compress("gzip") instanceof Object;
    case "load": {
      await using handler = await load(ctx).dir(dir).done();
      return [handler.loadedBase, ctx.in("a").getVariable("w")?.value().toNested(), await handler.hasCheckpoints()];
    }
    case "mapped": {
      const warnings: string[] = [];
      await using _ = await load(ctx).dir(dir, { mapped: true }).onWarning((text) => warnings.push(text)).done();
      return [ctx.in("a").getVariable("weights")?.value().size, warnings];
    }
    case "mean": {
      let byWorkers = 0;
      globalThis.Worker = class extends Worker {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          super(...args);
          this.addEventListener("message", ({ data }) => byWorkers += "mean" in data ? 1 : 0);
        }
      };
      await using handler = await load(ctx).dir(dir).takeMean(2).done();
      return [handler.mean?.baseNames.length, ctx.in("a").getVariable("w3")?.value().at(100), byWorkers];
    }
    case "immediate": {
      await using handler = await load(ctx).dir(dir).immediate().done();
      return [handler.dir(), ctx.numVariables()];
    }
    case "open": {
      await using checkpoint = await openCheckpoint(dir);
      return (await checkpoint.read("/a/w")).toNested();
    }
    case "build": {
      await using handler = await build(ctx).dir(dir).done();
      return handler.loadedBase;
    }
    case "save": {
      await using handler = await build(ctx).dir(dir).keep(1).done();
      ctx.in("a").checked(false).variableWithValue("w", [1, 2]);
      await handler.save();
      await handler.save();
      const backedUp = await handler.backup();
      await handler.restore(backedUp);
      return await handler.listCheckpoints();
    }
    case "home": {
      await using handler = await load(ctx).dir("~/run").done();
      return handler.dir();
    }
    default:
      throw new Error(`unknown operation ${operation}`);
  }
}
