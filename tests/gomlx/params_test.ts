import { assertEquals } from "@std/assert";
import { Context, goParam, load, type ParamValue } from "../../mod.ts";
import { TemporaryDirectory } from "../store/temporary_directory.ts";
import { gomlxTest } from "./gomlx.ts";
import { saveIn, STYLES, styleText, unexpected } from "./go_view.ts";

/** A param: its Go type and value in Cairn, and how GoMLX holds it after loading. */
interface Case {
  readonly goType: string;
  readonly value: ParamValue;
  /** Go type in GoMLX. */
  readonly seenType: string;
  /** As Go's `%v` prints it. */
  readonly text: string;
  /** The value with every type and every bit; see `Tag()` of the Go programs. */
  readonly tagged: unknown;
}

const CASES: readonly Case[] = [
  // The types that GoMLX gives back.
  ...same("int", [3, -7, 0, Number.MAX_SAFE_INTEGER, -(2n ** 63n)]),
  ...same("int8", [-128, 127]),
  ...same("int32", [-(2 ** 31), 2 ** 31 - 1]),
  ...same("int64", [5, Number.MIN_SAFE_INTEGER]),
  ...same("uint8", [0, 255]),
  ...same("uint32", [2 ** 32 - 1]),
  float64(0.1, "3fb999999999999a", "0.1"),
  float64(3, "4008000000000000", "3"),
  float64(-0, "8000000000000000", "-0"),
  float64(1e-7, "3e7ad7f29abcaf48", "1e-07"),
  float64(1e20, "4415af1d78b58c40", "1e+20"),
  float64(1e21, "444b1ae4d6e2ef50", "1e+21"),
  float64(5e-324, "0000000000000001", "5e-324"),
  float64(Number.MAX_VALUE, "7fefffffffffffff", "1.7976931348623157e+308"),
  float32(0.1, "3dcccccd", "0.1"),
  float32(-0, "80000000", "-0"),
  float32(3.4028234663852886e38, "7f7fffff", "3.4028235e+38"),
  float32(1.401298464324817e-45, "00000001", "1e-45"),
  plain("bool", true, "true"),
  plain("bool", false, "false"),
  plain("string", "", ""),
  plain(
    "string",
    `a<b> & "c" \\ \u2028\u2029 é 🚀 \u0000\t\n\u007f`,
    `a<b> & "c" \\ \u2028\u2029 é 🚀 \u0000\t\n\u007f`,
  ),
  plain("string", "\uFFFD", "\uFFFD"),
  plain("<nil>", null, "<nil>"),
  list("[]int", [1, -2], "[]int", [integer("int", "1"), integer("int", "-2")], "[1 -2]"),
  list("[]int", [], "[]int", [], "[]"),
  list(
    "[]float64",
    [0.5, 2],
    "[]float64",
    [bits64("3fe0000000000000", "0.5"), bits64("4000000000000000", "2")],
    "[0.5 2]",
  ),
  list("[]float64", [], "[]float64", [], "[]"),
  list("[]string", ["a", "", "é<"], "[]string", ["a", "", "é<"].map((v) => ({ t: "string", v })), "[a  é<]"),
  list("[]string", [], "[]string", [], "[]"),
  list("[]interface {}", [1, "a", null, true], "[]interface {}", [
    bits64("3ff0000000000000", "1"),
    { t: "string", v: "a" },
    { t: "<nil>", v: null },
    { t: "bool", v: true },
  ], "[1 a <nil> true]"),
  map("map[string]interface {}", { b: 1, 10: "x", 2: "y", a: [2] }, {
    a: { t: "[]interface {}", v: [bits64("4000000000000000", "2")] },
    b: bits64("3ff0000000000000", "1"),
    2: { t: "string", v: "y" },
    10: { t: "string", v: "x" },
  }, "map[10:x 2:y a:[2] b:1]"),

  // Integers that GoMLX rounds, since it goes through float64; int64's end overflows to its other end.
  drifted("int", 2n ** 53n + 1n, integer("int", "9007199254740992")),
  drifted("int64", 2n ** 53n + 1n, integer("int64", "9007199254740992")),
  drifted("int64", 2n ** 63n - 1n, integer("int64", "-9223372036854775808")),
  list("[]int", [2n ** 53n + 1n], "[]int", [integer("int", "9007199254740992")], "[9007199254740992]"),

  // Types that GoMLX gives up.
  drifted("int16", -300, bits64("c072c00000000000", "-300")),
  drifted("uint", 7, bits64("401c000000000000", "7")),
  drifted("uint16", 65535, bits64("40efffe000000000", "65535")),
  drifted("uint64", 2n ** 64n - 1n, bits64("43f0000000000000", "1.8446744073709552e+19")),
  drifted("uintptr", 9, bits64("4022000000000000", "9")),
  drifted("time.Duration", 1500, bits64("4097700000000000", "1500")),
  drifted("main.myInt", 5, bits64("4014000000000000", "5")),
  drifted("dtypes.DType", "Float32", { t: "string", v: "Float32" }),
  drifted("[]uint8", "aGk=", { t: "string", v: "aGk=" }),
  list("[]float32", [Math.fround(0.1)], "[]interface {}", [bits64("3fb999999999999a", "0.1")], "[0.1]"),
  list("[]bool", [true], "[]interface {}", [{ t: "bool", v: true }], "[true]"),
  list("[]int64", [1], "[]interface {}", [bits64("3ff0000000000000", "1")], "[1]"),
  list("[2]int", [1, 2], "[]interface {}", [bits64("3ff0000000000000", "1"), bits64("4000000000000000", "2")], "[1 2]"),
  list("[][]int", [[1], []], "[]interface {}", [
    { t: "[]interface {}", v: [bits64("3ff0000000000000", "1")] },
    { t: "[]interface {}", v: [] },
  ], "[[1] []]"),
  map("map[string]int", { a: 1 }, { a: bits64("3ff0000000000000", "1") }, "map[a:1]"),
  map(
    "map[int]string",
    { 10: "a", 2: "b" },
    { 2: { t: "string", v: "b" }, 10: { t: "string", v: "a" } },
    "map[10:a 2:b]",
  ),
  map("main.T", { B: 1, A: "x" }, { A: { t: "string", v: "x" }, B: bits64("3ff0000000000000", "1") }, "map[A:x B:1]"),
  nil("*main.T", null),
  nil("[]int", null),
  nil("[]string", null),

  // What JSON cannot say is null there; Cairn has it under its own key.
  nil("float64", NaN),
  nil("float64", Infinity),
  nil("float64", -Infinity),
  nil("float32", NaN),
  nil("[]float64", [1, NaN]),
  nil("map[string]float64", { a: -Infinity }),
  nil("[]interface {}", [1, "a", Infinity]),
];

for (const { readers, ...style } of STYLES) {
  for (const reader of readers) {
    gomlxTest(`GoMLX ${reader} reads params of every Go type in ${styleText(style)}`, reader, async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      await saveIn(directory.path, modelWith(CASES), style);
      const { report } = await gomlx.verify(directory.path);
      assertEquals(report.outcome, { kind: "ok" });
      assertSeen(report.params, CASES);
    });

    gomlxTest(`GoMLX ${reader} reads the same params without extras in ${styleText(style)}`, reader, async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const finite = CASES.filter(({ value }) => !/NaN|Infinity/.test(Deno.inspect(value)));
      assertEquals(CASES.length - finite.length, 7);
      await saveIn(directory.path, modelWith(finite), { ...style, extras: false });
      assertSeen((await gomlx.verify(directory.path)).report.params, finite);
    });

    gomlxTest(`GoMLX ${reader} leaves params exact for Cairn in ${styleText(style)}`, reader, async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const ctx = modelWith(CASES);
      await saveIn(directory.path, ctx, style);
      // A rewrite by Cairn in between changes nothing for either.
      const again = await loadParams(directory.path);
      assertEquals(again.params.map(typedValue), ctx.params.map(typedValue));
      await saveIn(directory.path, again, style);
      assertSeen((await gomlx.verify(directory.path)).report.params, CASES);
      assertEquals((await loadParams(directory.path)).params.map(typedValue), ctx.params.map(typedValue));
    });
  }
}

/** Scope and key of params that every version takes as they are, in the order of their UTF-8 bytes. */
const PARAM_PATHS: readonly (readonly [scope: string, key: string])[] = [
  ["/", " "],
  ["/", "lr"],
  ["/", 'é "\\<\u2028'],
  ["/a", "k"],
  ["/a b", "k"],
  ["/a-", "k"],
  ["/a/b", "__proto__"],
  ["/a/b", "k"],
  ["/～", "k"],
  ["/🚀", "k"],
];

/** Those that v0.28 cleans. */
const CLEANED_PARAMS: readonly (readonly [scope: string, key: string, cleaned: readonly [string, string]])[] = [
  ["/", "key/with/slash", ["/key/with", "slash"]],
  ["/c/", "k", ["/c", "k"]],
  ["/d//e", "k", ["/d/e", "k"]],
  ["/f", "", ["/", "f"]],
  ["/g/..", "k", ["/", "k"]],
];

for (const { readers, ...style } of STYLES) {
  for (const reader of readers) {
    gomlxTest(`GoMLX ${reader} reads params of odd scopes and keys in ${styleText(style)}`, reader, async (gomlx) => {
      await using directory = await TemporaryDirectory.make();
      const ctx = new Context();
      const paths = [...PARAM_PATHS, ...CLEANED_PARAMS.map(([scope, key]) => [scope, key] as const)];
      for (const [scope, key] of paths.toReversed()) ctx.inAbsPath(scope).setParam(key, `${scope}|${key}`);
      await saveIn(directory.path, ctx, style);
      const { report } = await gomlx.verify(directory.path);
      const seen = new Map(report.params.map(({ scope, key, text }) => [text, [scope, key]]));
      const cleans = style.profile === "gomlx-0.28";
      for (const [scope, key] of PARAM_PATHS) assertEquals(seen.get(`${scope}|${key}`), [scope, key]);
      for (const [scope, key, cleaned] of CLEANED_PARAMS) {
        assertEquals(seen.get(`${scope}|${key}`), cleans ? [...cleaned] : [scope, key]);
      }
      assertEquals(seen.size, paths.length);
      // v0.28 sorts by whole paths, all others as Cairn does.
      if (!cleans) assertEquals(report.params.map(({ text }) => text), ctx.params.map(({ value }) => value));
    });
  }
}

function modelWith(cases: readonly Case[]): Context {
  const ctx = new Context();
  cases.forEach(({ goType, value }, index) => ctx.in("params").setParam(keyOf(index), goParam(goType, value)));
  return ctx;
}

/** Sorts as the numbers do. */
function keyOf(index: number): string {
  return String(index).padStart(3, "0");
}

interface Seen {
  readonly scope: string;
  readonly key: string;
  readonly goType: string;
  readonly value: unknown;
  readonly text: string;
}

function assertSeen(seen: readonly Seen[], cases: readonly Case[]): void {
  assertEquals(
    seen.map(({ scope, key, goType, value, text }) => ({ scope, key, goType, value, text })),
    cases.map(({ seenType, tagged, text }, index) => {
      return { scope: "/params", key: keyOf(index), goType: seenType, value: tagged, text };
    }),
  );
}

async function loadParams(directory: string): Promise<Context> {
  const ctx = new Context();
  await using _ = await load(ctx).dir(directory).immediate().onWarning(unexpected).done();
  return ctx;
}

function typedValue({ scope, key, goType, value }: Context["params"][number]): unknown {
  return { scope, key, goType, value };
}

function same(goType: string, values: readonly (number | bigint)[]): Case[] {
  return values.map((value) => {
    const text = String(value);
    return { goType, value, seenType: goType, text, tagged: integer(goType, text) };
  });
}

function float64(value: number, hex: string, text: string): Case {
  return { goType: "float64", value, seenType: "float64", text, tagged: bits64(hex, text) };
}

function float32(value: number, bits: string, text: string): Case {
  return { goType: "float32", value, seenType: "float32", text, tagged: { t: "float32", v: text, bits } };
}

function plain(goType: string, value: ParamValue, text: string): Case {
  return { goType, value, seenType: goType, text, tagged: { t: goType, v: value } };
}

function list(goType: string, value: ParamValue, seenType: string, elements: readonly unknown[], text: string): Case {
  return { goType, value, seenType, text, tagged: { t: seenType, v: elements } };
}

function map(goType: string, value: ParamValue, members: Record<string, unknown>, text: string): Case {
  const seenType = "map[string]interface {}";
  return { goType, value, seenType, text, tagged: { t: seenType, v: members } };
}

function drifted(goType: string, value: ParamValue, tagged: { readonly t: string; readonly v: string }): Case {
  return { goType, value, seenType: tagged.t, text: tagged.v, tagged };
}

function nil(goType: string, value: ParamValue): Case {
  return { goType, value, seenType: "<nil>", text: "<nil>", tagged: { t: "<nil>", v: null } };
}

function integer(t: string, v: string): { readonly t: string; readonly v: string } {
  return { t, v };
}

function bits64(bits: string, v: string): { readonly t: string; readonly v: string; readonly bits: string } {
  return { t: "float64", v, bits };
}
