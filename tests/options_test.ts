import { assertEquals, assertGreater, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import config from "../deno.json" with { type: "json" };
import { build, CheckpointError, ConfigError, Context, MemoryStore } from "../mod.ts";
import { checkOptions, findWrongOption, type OptionNames } from "../src/options.ts";
import { Loop } from "../src/train/mod.ts";
import { PROJECT_ROOT } from "../tools/deno_process.ts";
import { type Give, OPTION_CALLS, type OptionCall, type Scene } from "./option_calls.ts";
import { runDeno } from "./published/deno_run.ts";
import { tf } from "./tfjs/tfjs.ts";

interface Size {
  readonly size?: number;
}

/** What others call, or pass options of others to. */
const LEFT_ALONE = ["display"];
/** Where some option has no default. */
const WANTING: ReadonlySet<string> = new Set(
  ["keepBest", "tfjsTrainer", "BatchDataset.constructor", "inMemoryDataset", "plotHistory", "renderProgress"],
);

for (const each of OPTION_CALLS) {
  Deno.test(`${each.call} refuses the option "${each.wrong}", and null for options, before it does anything`, async () => {
    await using scene = await sceneWithFiles();
    const before = await stateOf(scene);
    assertEquals(
      await refusal(each, scene, (options) => ({ ...options, [each.wrong]: true })),
      `${each.call}: there is no option "${each.wrong}", did you mean "${each.near}"? Options: ${each.all}`,
    );
    assertEquals(
      await refusal(each, scene, () => JSON.parse("null")),
      `${each.call}: wanted an object of options, found null. Options: ${each.all}`,
    );
    assertEquals(await stateOf(scene), before);
    await scene.loop.runSteps([1], 1); // Hooks that were registered would speak now.
    assertEquals(scene.said, []);
  });
}

for (const each of OPTION_CALLS.filter(({ symbol }) => WANTING.has(symbol))) {
  Deno.test(`${each.call} says that it wants options`, async () => {
    await using scene = await sceneWithFiles();
    assertEquals(
      await refusal(each, scene, () => JSON.parse("[]")[0]),
      `${each.call}: wanted an object of options, found undefined. Options: ${each.all}`,
    );
  });
}

Deno.test("all that is exported and takes options refuses unknown ones", async () => {
  const { stdout } = await runDeno(["doc", "--json", ...Object.values(config.exports)], { cwd: PROJECT_ROOT });
  const { nodes }: DenoDoc = JSON.parse(stdout);
  const found = new Set(Object.values(nodes).flatMap(({ symbols }) => symbols.flatMap(takersOfOptions)));
  assertGreater(found.size, 40);
  assertEquals([...found].sort(), [...new Set([...OPTION_CALLS.map(({ symbol }) => symbol), ...LEFT_ALONE])].sort());
});

Deno.test("findWrongOption() passes what is known, inherited, undefined or no string", () => {
  interface Pair {
    readonly name?: string | undefined;
    readonly size?: number;
  }
  const names: OptionNames<Pair> = { name: true, size: true };
  const inheriting: object = Object.create({ nmae: "x" });
  for (const options of [{}, { name: undefined }, { name: "x", size: 1 }, { [Symbol("nmae")]: 1 }, inheriting]) {
    assertEquals(findWrongOption<Pair>("f()", options, names), undefined);
    checkOptions<Pair>("f()", options, names);
  }
});

Deno.test("findWrongOption() sees values of the wrong kind: what would switch something on, or fail late", () => {
  interface Kinds {
    readonly pin?: boolean;
    readonly onWarning?: (message: string) => void;
    readonly progress?: ((done: number) => void) | boolean;
    readonly signal?: AbortSignal | undefined;
    readonly size?: number;
  }
  const names: OptionNames<Kinds> = {
    pin: "boolean",
    onWarning: "function",
    progress: "progress",
    signal: "signal",
    size: true,
  };
  const right: Kinds[] = [
    { pin: false, onWarning: () => {}, progress: true, signal: new AbortController().signal },
    { progress: () => {}, size: 1 },
  ];
  for (const options of right) assertEquals(findWrongOption<Kinds>("f()", options, names), undefined);
  const wrong: readonly (readonly [options: string, problem: string])[] = [
    ['{ "pin": "no" }', 'wanted true or false as pin, found "no"'],
    ['{ "pin": null }', "wanted true or false as pin, found null"],
    ['{ "pin": 0 }', "wanted true or false as pin, found 0"],
    ['{ "onWarning": true }', "wanted a function as onWarning, found true"],
    ['{ "onWarning": [] }', "wanted a function as onWarning, found an array"],
    ['{ "progress": 5 }', "wanted a function, true or false as progress, found 5"],
    ['{ "signal": {} }', "wanted an AbortSignal as signal, found an object"],
  ];
  for (const [options, problem] of wrong) {
    assertEquals(findWrongOption<Kinds>("f()", JSON.parse(options), names), `f(): ${problem}`);
  }
  const controller: object = { signal: new AbortController() };
  assertEquals(
    findWrongOption<Kinds>("f()", controller, names),
    "f(): wanted an AbortSignal as signal, found an object of class AbortController",
  );
});

Deno.test("findWrongOption() says what was found, what there is, and what may have been meant", () => {
  const names: OptionNames<Size> = { size: true };
  const none = (name: string, hint: string) => `f(): there is no option "${name}"${hint} Options: size`;
  const wrong: readonly (readonly [options: string, problem: string])[] = [
    ['{ "sise": 1 }', none("sise", ', did you mean "size"?')],
    ['{ "size": 1, "SIZE": null }', none("SIZE", ', did you mean "size"?')],
    ['{ "colour": 1 }', none("colour", ".")],
    ['{ "toString": 1 }', none("toString", ".")],
    ['{ "__proto__": 1 }', none("__proto__", ".")],
    [
      '{ "sise": 1, "size": 1, "colour": 1, "SIZE": 1 }',
      'f(): there are no options "sise" (did you mean "size"?), "colour", "SIZE" (did you mean "size"?). Options: size',
    ],
    [
      JSON.stringify(Object.fromEntries(Array.from({ length: 1010 }, (_, index) => [`o${index}`, index]))),
      'f(): there are no options "o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9" and 1000 more. Options: size',
    ],
    ["null", "f(): wanted an object of options, found null. Options: size"],
    ['"size"', "f(): wanted an object of options, found a string. Options: size"],
    ["5", "f(): wanted an object of options, found a number. Options: size"],
    ["[]", "f(): wanted an object of options, found an array. Options: size"],
  ];
  for (const [options, problem] of wrong) {
    assertEquals(findWrongOption<Size>("f()", JSON.parse(options), names), problem);
  }
  assertEquals(
    findWrongOption<object>("f()", () => {}, names),
    "f(): wanted an object of options, found a function. Options: size",
  );
});

Deno.test("findWrongOption() tells what was meant for an option, or not awaited", () => {
  const names: OptionNames<{ readonly signal?: AbortSignal }> = { signal: "signal" };
  const others: readonly (readonly [other: object, kind: string])[] = [
    [new AbortController().signal, "AbortSignal"],
    [Promise.resolve({}), "Promise"],
    [new Map([["signal", 1]]), "Map"],
  ];
  for (const [other, kind] of others) {
    assertEquals(
      findWrongOption<object>("f()", other, names),
      `f(): wanted an object of options, found an object of class ${kind}. Options: signal`,
    );
  }
});

Deno.test("checkOptions() makes control characters of a name visible", () => {
  const names: OptionNames<{ readonly pin?: boolean }> = { pin: "boolean" };
  const error = assertThrows(() => checkOptions("f()", JSON.parse('{ "pin\\n": true }'), names), ConfigError);
  assertEquals(error.message, 'f(): there is no option "pin\\u{a}", did you mean "pin"? Options: pin');
});

/** The message of the ConfigError that a call with the options throws. */
async function refusal({ run }: OptionCall, scene: Scene, give: Give): Promise<string> {
  const error = await assertRejects(async () => await run(scene, give));
  assertInstanceOf(error, CheckpointError);
  assertEquals(error.code, "config");
  return error.message;
}

async function sceneWithFiles(): Promise<Scene & AsyncDisposable> {
  const temporary = await Deno.makeTempDir({ prefix: "cairn-options-" });
  const store = new MemoryStore();
  const ctx = new Context();
  ctx.setParam("lr", 0.1);
  ctx.variableWithValue("w", [1, 2]);
  const handler = await build(ctx).store(store).done();
  const checkpoint = await handler.save();
  ctx.getVariable("w")?.setValue([3, 4]); // A restore would undo it.
  ctx.variableWithShape("empty", "Float32", [1]);
  const said: string[] = [];
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1] })] });
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  return {
    ctx,
    store,
    handler,
    checkpoint,
    loop: new Loop({ context: new Context(), trainStep: (batch: number) => batch }),
    model,
    said,
    dir: join(temporary, "run"),
    say: (...args) => void said.push(String(args[0])),
    async [Symbol.asyncDispose]() {
      model.dispose();
      await handler[Symbol.asyncDispose]();
      await Deno.remove(temporary, { recursive: true });
    },
  };
}

/** All that a call could have changed. */
async function stateOf({ ctx, store, handler, loop, said, dir }: Scene): Promise<object> {
  return {
    blobs: await Promise.all(
      ["", "backup", "trash", "pins", "quarantine"].map((each) => store.list(each || undefined)),
    ),
    params: [...ctx.params].map(({ scope, key, param }) => [scope, key, String(param)]),
    variables: Array.from(ctx.iterVariables(), (each) => [String(each), each.hasValue && each.value().toNested()]),
    loaded: handler.loadedBase,
    step: loop.loopStep,
    trainer: loop.trainer.context.numVariables(),
    said: [...said],
    made: await Deno.stat(dir).then(() => true, () => false),
  };
}

/** The part of `deno doc --json` that is read. */
interface DenoDoc {
  readonly nodes: Readonly<Record<string, { readonly symbols: readonly SymbolDoc[] }>>;
}

interface SymbolDoc {
  readonly name: string;
  readonly declarations: readonly { readonly kind: string; readonly def?: Definition }[];
}

interface Definition {
  readonly params?: unknown;
  readonly constructors?: readonly { readonly params: unknown; readonly accessibility?: string }[];
  readonly methods?: readonly { readonly name: string; readonly functionDef: { readonly params: unknown } }[];
}

/** `save`, `Handler.save`: the functions, constructors and methods of an exported symbol that have such a parameter. */
function takersOfOptions({ name, declarations }: SymbolDoc): string[] {
  return declarations.filter(({ kind }) => kind === "function" || kind === "class").flatMap(({ def = {} }) => {
    const methods = def.methods?.filter((each) => !each.name.startsWith("[")) ?? [];
    return [
      ...takesOptions(def.params) ? [name] : [],
      ...def.constructors?.some((each) => each.accessibility !== "private" && takesOptions(each.params))
        ? [`${name}.constructor`]
        : [],
      ...methods.filter((each) => takesOptions(each.functionDef.params)).map((each) => `${name}.${each.name}`),
    ];
  });
}

function takesOptions(params: unknown): boolean {
  return /"typeName":"(\w+Options|ReadRange)"/.test(JSON.stringify(params ?? []));
}
