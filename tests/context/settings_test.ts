import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConfigError, NotFoundError, PermissionError, StoreError } from "../../src/errors.ts";
import {
  Context,
  GoParam,
  goParam,
  type ParamValue,
  parseContextSettings,
  sprintContextSettings,
  sprintModifiedContextSettings,
} from "../../src/context/mod.ts";

function defaults(): Context {
  const ctx = new Context();
  ctx.setParams({ lr: 0.1, n: 5, act: "relu", dims: [1] });
  return ctx;
}

Deno.test("parseContextSettings() sets params and returns the paths when names are known", () => {
  const ctx = defaults();
  assertEquals(parseContextSettings(ctx, "lr=0.01;n=1_000"), ["lr", "n"]);
  assertEquals([ctx.getGoParam("lr"), ctx.getGoParam("n")], [new GoParam("float64", 0.01), new GoParam("int", 1000)]);
});

Deno.test("parseContextSettings() sets the param of a scope when the path is absolute", () => {
  const ctx = defaults();
  assertEquals(parseContextSettings(ctx, "/layer_1/lr=0.5"), ["/layer_1/lr"]);
  assertEquals([ctx.getParam("lr"), ctx.in("layer_1").getParam("lr")], [0.1, 0.5]);
  assertEquals(parseContextSettings(ctx, "/lr=0.7"), ["/lr"]);
  assertEquals(ctx.getParam("lr"), 0.7);
});

Deno.test("parseContextSettings() takes the type of the given context when the target scope has another", () => {
  const ctx = defaults();
  ctx.in("a").setParam("n", "text");
  parseContextSettings(ctx, "/a/n=7");
  assertEquals(ctx.in("a").getGoParam("n"), new GoParam("int", 7));
});

Deno.test("parseContextSettings() acts in the context's own scope when the name is bare", () => {
  const ctx = defaults();
  parseContextSettings(ctx.in("a"), "n=7");
  assertEquals([ctx.getParam("n"), ctx.in("a").getParam("n")], [5, 7]);
});

Deno.test("parseContextSettings() skips empty pieces when there are some", () => {
  assertEquals(parseContextSettings(defaults(), ";;n=1;;lr=2;"), ["n", "lr"]);
  assertEquals(parseContextSettings(defaults(), ""), []);
});

const accepted: readonly (readonly [string, ParamValue, string, ParamValue])[] = [
  ["int", 5, "1_000_000", 1000000],
  ["int", 5, " 7\t", 7],
  ["int", 5, "-0", 0],
  ["int", 5, "null", 5],
  ["int32", 5, "-2147483648", -2147483648],
  ["int64", 5, "9007199254740993", 9007199254740993n],
  ["uint", 5, "7", 7],
  ["uint32", 5, "4294967295", 4294967295],
  ["uint64", 5, "18446744073709551615", 18446744073709551615n],
  ["float64", 0.1, "1e-3", 0.001],
  ["float64", 0.1, "-2", -2],
  ["float64", 0.1, "-0", -0],
  ["float64", 0.1, " null ", 0.1],
  ["float32", 0.5, "0.1", 0.10000000149011612],
  ["bool", false, "true", true],
  ["bool", true, "false", false],
  ["bool", true, "null", true],
  ["string", "a", "", ""],
  ["string", "a", " b ", " b "],
  ["string", "a", "null", "null"],
  ["[]string", ["a"], "x,y,", ["x", "y", ""]],
  ["[]string", ["a"], "", [""]],
  ["[]int", [1], "1,2,3", [1, 2, 3]],
  ["[]int", [1], "1_0, 2,null", [10, 2, 0]],
  ["[]float64", [1], "0.5,1e3", [0.5, 1000]],
];
for (const [goType, old, text, wanted] of accepted) {
  Deno.test(`parseContextSettings() gives ${String(wanted)} when "${text}" is set on ${goType}`, () => {
    const ctx = new Context();
    ctx.setParam("k", goParam(goType, old));
    parseContextSettings(ctx, `k=${text}`);
    assertEquals(ctx.getGoParam("k"), new GoParam(goType, wanted));
  });
}

const refused: readonly (readonly [string, ParamValue, string])[] = [
  ["int", 5, "2.5"],
  ["int", 5, "1e3"],
  ["int", 5, "1.0"],
  ["int", 5, "+5"],
  ["int", 5, "0x10"],
  ["int", 5, "007"],
  ["int", 5, ""],
  ["int", 5, "- 5"],
  ["int", 5, "9223372036854775808"],
  ["int32", 5, "2147483648"],
  ["uint", 5, "-1"],
  ["uint", 5, "-0"],
  ["float64", 0.1, ".5"],
  ["float64", 0.1, "1."],
  ["float64", 0.1, "NaN"],
  ["float64", 0.1, "Inf"],
  ["float64", 0.1, "1_000"],
  ["float64", 0.1, "1e400"],
  ["float32", 0.5, "1e300"],
  ["bool", true, "True"],
  ["bool", true, "1"],
  ["[]int", [1], "1,2.5"],
  ["[]int", [1], ""],
  ["[]float64", [1], "1_0"],
  ["int8", 5, "1"],
  ["uint8", 5, "1"],
  ["[]int64", [1], "1"],
  ["map[string]interface {}", {}, "1"],
  ["<nil>", null, "1"],
];
for (const [goType, old, text] of refused) {
  Deno.test(`parseContextSettings() throws when "${text}" is set on ${goType}`, () => {
    const ctx = new Context();
    ctx.setParam("k", goParam(goType, old));
    assertThrows(() => parseContextSettings(ctx, `k=${text}`), ConfigError, `Cannot parse setting "k=${text}"`);
    assertEquals(ctx.getGoParam("k"), goParam(goType, old));
  });
}

Deno.test("parseContextSettings() says that it cannot parse the type when it is not supported", () => {
  const ctx = new Context();
  ctx.setParam("k", goParam("int8", 1));
  assertThrows(() => parseContextSettings(ctx, "k=1"), ConfigError, 'don\'t know how to parse Go type "int8"');
});

Deno.test("parseContextSettings() throws when a setting is malformed", () => {
  for (const text of ["lr=1=2", "lr", "layer_1/lr=0.5", "=1"]) {
    const error = assertThrows(() => parseContextSettings(defaults(), text));
    assert(error instanceof ConfigError || error instanceof NotFoundError);
  }
  assertThrows(() => parseContextSettings(defaults(), "layer_1/lr=0.5"), ConfigError, "absolute scope");
});

Deno.test("parseContextSettings() throws when the param is unknown", () => {
  assertThrows(() => parseContextSettings(defaults(), "unknown=1"), NotFoundError, 'no param "unknown"');
  assertThrows(() => parseContextSettings(defaults(), "n=1; lr=2"), NotFoundError, 'no param " lr"');
});

Deno.test("parseContextSettings() keeps what it applied when a later setting fails", () => {
  const ctx = defaults();
  assertThrows(() => parseContextSettings(ctx, "n=7;unknown=1;lr=9"), NotFoundError);
  assertEquals([ctx.getParam("n"), ctx.getParam("lr")], [7, 0.1]);
});

Deno.test("parseContextSettings() reads files line by line when a setting names one", () => {
  const files = new Map([
    ["a.txt", "# comment\n\n  n=7  \nlr=2;act=tanh\r\nfile:b.txt\n#dims=9"],
    ["b.txt", "dims=4,5"],
  ]);
  const ctx = defaults();
  const paths = parseContextSettings(ctx, "file:a.txt;n=8", { readTextFile: (path) => files.get(path) ?? "" });
  assertEquals(paths, ["n", "lr", "act", "dims", "n"]);
  assertEquals([8, 2, "tanh", [4, 5]], ["n", "lr", "act", "dims"].map((key) => ctx.getParam(key)));
});

Deno.test("parseContextSettings() throws when a file names itself", () => {
  const readTextFile = () => "file:loop.txt";
  assertThrows(() => parseContextSettings(defaults(), "file:loop.txt", { readTextFile }), ConfigError, "nest deeper");
});

Deno.test("parseContextSettings() reads the machine's files when no reader is given", async () => {
  const directory = await Deno.makeTempDir();
  const home = Deno.env.get("HOME");
  try {
    await Deno.writeTextFile(`${directory}/s.txt`, "n=9\n");
    const ctx = defaults();
    parseContextSettings(ctx, `file:${directory}/s.txt`);
    assertEquals(ctx.getParam("n"), 9);
    Deno.env.set("HOME", directory);
    assertEquals(parseContextSettings(ctx, "file:~/s.txt"), ["n"]);
    Deno.env.set("HOME", "");
    assertThrows(() => parseContextSettings(ctx, "file:~/s.txt"), ConfigError, "HOME is not set");
    assertThrows(() => parseContextSettings(ctx, "file:~other/s.txt"), ConfigError);
    assertThrows(() => parseContextSettings(ctx, `file:${directory}/nope.txt`), NotFoundError, "nope.txt");
    assertThrows(() => parseContextSettings(ctx, `file:${directory}`), StoreError, directory);
  } finally {
    if (home === undefined) Deno.env.delete("HOME");
    else Deno.env.set("HOME", home);
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "parseContextSettings() names the flag when reading is not permitted",
  permissions: { read: false, env: false },
  fn: async () => {
    const parse = (path: string) => parseContextSettings(defaults(), `file:${path}`);
    assertThrows(() => parse("/some/where.txt"), PermissionError, "run again with --allow-read=/some/where.txt");
    await assertRejects(() => Promise.reject(thrownBy(() => parse("~/x"))), PermissionError, "--allow-env=HOME");
  },
});

function thrownBy(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

Deno.test("sprintContextSettings() prints every param when there are some", () => {
  const ctx = defaults();
  ctx.in("a").setParam("k", null);
  assertEquals(
    sprintContextSettings(ctx),
    [
      '\t"/act": (string) relu',
      '\t"/dims": ([]int) [1]',
      '\t"/lr": (float64) 0.1',
      '\t"/n": (int) 5',
      '\t"/a/k": (<nil>) <nil>',
    ]
      .join("\n"),
  );
});

Deno.test("sprintModifiedContextSettings() prints the paths as typed when they are known", () => {
  const ctx = defaults();
  ctx.in("a").setParam("n", 7);
  assertEquals(
    sprintModifiedContextSettings(ctx.in("a"), ["n", "lr", "/a/n", "n", "/b/n", "gone"]),
    ['\t"/a/n": (int) 7', '\t"/b/n": (int) 5', '\t"lr": (float64) 0.1', '\t"n": (int) 5'].join("\n"),
  );
});
