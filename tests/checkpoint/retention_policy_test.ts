import { assertEquals, assertThrows } from "@std/assert";
import {
  anyOf,
  keepBest,
  keepEvery,
  keepEveryNSteps,
  keepLast,
  keepSince,
  keepWhere,
  type RetentionPolicy,
  type RetentionRow,
} from "../../src/checkpoint/mod.ts";
import { judge } from "../../src/checkpoint/retention_plan.ts";
import { KEEP_ALL } from "../../src/checkpoint/retention_policy.ts";
import { ConfigError } from "../../src/errors.ts";
import { Random } from "../tensor/random.ts";

const NOON = new Date("2026-03-01T12:00:00Z");

/** Rows named `0`, `1` … oldest first; what is not given is as of an intact one, saved a minute after the one before. */
function rowsOf(...rows: readonly Partial<RetentionRow>[]): RetentionRow[] {
  return rows.map((row, index) => ({
    baseName: String(index),
    step: BigInt(index),
    saved: new Date(NOON.getTime() + index * 60_000),
    metrics: {},
    byteLength: 1,
    pinned: false,
    intact: true,
    ...row,
  }));
}

function steps(...steps: readonly number[]): RetentionRow[] {
  return rowsOf(...steps.map((step) => ({ step: BigInt(step) })));
}

/** Names of what a policy keeps, in the order of the rows. */
function kept(policy: RetentionPolicy, rows: readonly RetentionRow[], now: Date = NOON): string {
  const names = new Set(Array.from(policy.keeps(rows, now), ({ baseName }) => baseName));
  return rows.filter(({ baseName }) => names.has(baseName)).map(({ baseName }) => baseName).join(" ");
}

const DAMAGED = { intact: false };

Deno.test("keepLast() keeps the newest n intact ones, and damaged ones that are as young", () => {
  assertEquals(kept(keepLast(2), rowsOf({}, {}, {})), "1 2");
  assertEquals(kept(keepLast(5), rowsOf({}, {})), "0 1");
  assertEquals(kept(keepLast(1), rowsOf({}, {}, DAMAGED)), "1 2");
  assertEquals(kept(keepLast(2), rowsOf({}, DAMAGED, {}, DAMAGED, DAMAGED, {})), "2 3 4 5");
  assertEquals(kept(keepLast(1), rowsOf(DAMAGED, DAMAGED)), "0 1");
  assertEquals(kept(keepLast(1), []), "");
});

Deno.test("keepEveryNSteps() keeps multiples, else the first beyond one, of one step the newest", () => {
  assertEquals(kept(keepEveryNSteps(100), steps(0, 50, 100, 150, 200, 250)), "0 2 4");
  assertEquals(kept(keepEveryNSteps(100), steps(40, 90, 130, 180, 410)), "0 2 4");
  assertEquals(kept(keepEveryNSteps(100), steps(100, 150, 100)), "2");
  assertEquals(kept(keepEveryNSteps(100), rowsOf({ step: 100n, ...DAMAGED }, { step: 120n })), "1");
  assertEquals(kept(keepEveryNSteps(10), rowsOf({ step: 2n ** 63n - 1n })), "0");
});

Deno.test("keepEvery() keeps one whenever the interval has passed, and bears a clock that was set back", () => {
  const at = (...minutes: readonly number[]): RetentionRow[] =>
    rowsOf(...minutes.map((each) => ({ saved: new Date(NOON.getTime() + each * 60_000) })));
  assertEquals(kept(keepEvery({ hours: 1 }), at(0, 30, 59, 60, 100, 130, 189, 190)), "0 3 5 7");
  assertEquals(kept(keepEvery({ minutes: 90 }), at(0, 1_000_000, 100, 150, 190)), "0 1 2 4");
  assertEquals(kept(keepEvery({ seconds: 0.5 }), at(0, 1, 2)), "0 1 2");
});

Deno.test("keepBest() keeps the best by a metric, of equal ones the newest, and never NaN", () => {
  const loss = (...values: readonly (number | undefined)[]): RetentionRow[] =>
    rowsOf(...values.map((each) => ({ metrics: each === undefined ? {} : { loss: each } })));
  assertEquals(kept(keepBest(2, { metric: "loss" }), loss(3, 1, 2, 4)), "1 2");
  assertEquals(kept(keepBest(1, { metric: "loss", mode: "max" }), loss(3, 1, 4, 4)), "3");
  assertEquals(kept(keepBest(1, { metric: "loss" }), loss(1, NaN, undefined, 1)), "3");
  assertEquals(kept(keepBest(5, { metric: "other", mode: "min" }), loss(1)), "");
  const damaged = rowsOf({ metrics: { loss: 1 } }, { ...DAMAGED, metrics: { loss: 0 } });
  assertEquals(kept(keepBest(1, { metric: "loss" }), damaged), "0");
});

Deno.test("keepSince() keeps what is young, and what the clock takes for the future", () => {
  const rows = rowsOf({}, {}, {});
  assertEquals(kept(keepSince({ seconds: 60 }), rows, new Date(NOON.getTime() + 120_000)), "1 2");
  assertEquals(kept(keepSince({ days: 1 }), rows, new Date(NOON.getTime() - 86_400_000)), "0 1 2");
});

Deno.test("keepWhere() sees the row and all rows; anyOf() keeps what any keeps", () => {
  const rows = steps(1, 2, 3, 4);
  assertEquals(kept(keepWhere(({ step }, all) => step === BigInt(all.length) || step === 1n), rows), "0 3");
  const both = anyOf(keepLast(1), anyOf(keepEveryNSteps(2), keepWhere(({ step }) => step === 1n)));
  assertEquals(kept(both, rows), "0 1 3");
  assertEquals(both.description, "the last 1, one of every 2 steps, those that a predicate chooses");
  assertEquals(both.parts?.length, 3);
});

Deno.test("judge() keeps pinned ones and the newest intact one whatever the policy says, and tells why", () => {
  const rows = rowsOf({}, { pinned: true }, {}, DAMAGED);
  const verdicts = judge(rows, keepWhere(() => false, "nothing"), NOON, () => true);
  assertEquals(verdicts.map(({ reasons }) => reasons), [[], ["pinned"], ["the newest intact one"], []]);
  const spared = judge(rows, keepLast(1), NOON, (base) => base === "0");
  assertEquals(spared.map(({ reasons }) => reasons.join()), ["", "pinned", "the last 1", "the last 1"]);
  assertEquals(judge(rowsOf({}, {}), keepLast(1), NOON, () => false)[0]?.reasons, ["written by others"]);
  const foreign: RetentionPolicy = { description: "odd", keeps: () => rowsOf({ baseName: "of another directory" }) };
  assertEquals(judge(rows, foreign, NOON, () => true).map(({ stays }) => stays), [false, true, true, false]);
});

Deno.test("a policy that is applied after each save keeps what it would keep of all", () => {
  const random = new Random(3);
  const policies = [
    keepLast(3),
    keepEveryNSteps(7),
    keepEvery({ minutes: 11 }),
    keepBest(2, { metric: "loss" }),
    anyOf(keepLast(2), keepEveryNSteps(5), keepBest(1, { metric: "loss" }), keepEvery({ minutes: 4 })),
    KEEP_ALL,
  ];
  for (const policy of policies) {
    for (let run = 0; run < 20; run++) {
      let step = 0;
      let minutes = 0;
      const all = rowsOf(...Array.from({ length: 40 }, (): Partial<RetentionRow> => {
        step += random.whole(1, 4);
        minutes += random.whole(1, 6);
        const saved = new Date(NOON.getTime() + minutes * 60_000);
        return { step: BigInt(step), saved, metrics: { loss: random.whole(0, 30) } };
      }));
      let left: RetentionRow[] = [];
      for (const row of all) {
        left = judge([...left, row], policy, row.saved, () => true).filter(({ stays }) => stays);
      }
      const names = left.map(({ baseName }) => baseName).join(" ");
      // The newest stays anyway.
      const wanted = all.filter((row) => row === all.at(-1) || kept(policy, all).split(" ").includes(row.baseName));
      assertEquals(names, wanted.map(({ baseName }) => baseName).join(" "), policy.description);
    }
  }
});

Deno.test("keepBest() says what it found when it gets no metric's name", () => {
  const wrong = [[{}, '"undefined"'], [{ metric: null }, '"null"'], [{ metric: 5 }, '"5"'], [{ metric: "" }, '""'], [
    { metric: {} },
    "an object",
  ], [{ metric: 5, mode: "min" }, '"5"']] as const;
  for (const [options, found] of wrong) {
    // @ts-expect-error -- a notebook has no types to prevent it
    const error = assertThrows(() => keepBest(1, options), ConfigError);
    assertEquals(error.message, `Cannot keep the best by metric ${found}: wanted a name, such as "val_loss"`);
  }
});

Deno.test("keepEvery() and keepSince() refuse units that there are not, with the one that was probably meant", () => {
  const units = "days, hours, minutes, seconds";
  // @ts-expect-error -- a notebook has no types to prevent it
  const every = assertThrows(() => keepEvery({ hour: 1 }), ConfigError);
  assertEquals(every.message, `keepEvery(): there is no option "hour", did you mean "hours"? Options: ${units}`);
  // @ts-expect-error -- as above
  const since = assertThrows(() => keepSince({ weeks: 1, days: 1 }), ConfigError);
  assertEquals(since.message, `keepSince(): there is no option "weeks". Options: ${units}`);
});

Deno.test("policies refuse what they cannot keep by", () => {
  for (const n of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(() => keepLast(n), ConfigError, `Cannot keep the last ${n}: wanted a whole number above 0`);
    assertThrows(() => keepEveryNSteps(n), ConfigError);
    assertThrows(() => keepBest(n, { metric: "loss" }), ConfigError);
  }
  for (
    const parts of [{}, { hours: 0 }, { hours: -1 }, { seconds: NaN }, { days: Infinity }, { days: "two" }, 5, null]
  ) {
    // @ts-expect-error -- a notebook has no types to prevent it
    assertThrows(() => keepEvery(parts), ConfigError, "wanted a duration above 0");
    // @ts-expect-error -- as above
    assertThrows(() => keepSince(parts), ConfigError);
  }
  assertThrows(() => keepBest(1, { metric: "fid" }), ConfigError, "whether small or large");
  // @ts-expect-error -- as above
  assertThrows(() => keepBest(1, { metric: "loss", mode: "low" }), ConfigError, 'wanted "min" or "max"');
  // @ts-expect-error -- as above
  assertThrows(() => keepBest(1), ConfigError, "wanted an object of options, found undefined");
  // @ts-expect-error -- as above
  assertThrows(() => keepBest(1, "val_loss"), ConfigError, "wanted an object of options, found a string");
  // @ts-expect-error -- as above
  assertThrows(() => keepWhere(5), ConfigError);
  assertThrows(() => anyOf(), ConfigError, "wanted one at least");
  // @ts-expect-error -- as above
  assertThrows(() => anyOf(keepLast(1), 3), ConfigError, "wanted a policy");
});
