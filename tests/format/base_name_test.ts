import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../src/errors.ts";
import { type BaseName, compareBaseNames, formatBaseName, nextCounter, parseBaseName } from "../../src/format/mod.ts";
import { goldenFiles } from "./golden_files.ts";

const TIME = "20250601-140309";

Deno.test("parseBaseName() takes the names of every version apart", () => {
  const cases: [string, bigint | undefined, bigint][] = [
    // v0.0.1 – v0.3.1, hand-made
    [`checkpoint-${TIME}`, undefined, 0n],
    [`checkpoint-${TIME}-step-000010`, undefined, 10n],
    [`checkpoint-${TIME}-step-1234567`, undefined, 1234567n],
    // v0.4.0 – v0.7.2, hand-made
    [`checkpoint-${TIME}-initial`, undefined, 0n],
    [`checkpoint-${TIME}-step-00000010`, undefined, 10n],
    // v0.8.0 on
    [`checkpoint-n0000000-${TIME}-initial`, 0n, 0n],
    ["checkpoint-n0000038-20240529-175351-step-00049190", 38n, 49190n],
    [`checkpoint-n10000000-${TIME}-step-123456789`, 10000000n, 123456789n],
    [`checkpoint-n9223372036854775808-${TIME}-initial`, 9223372036854775808n, 0n],
  ];
  for (const [base, counter, step] of cases) {
    const parsed = parseBaseName(base);
    assertEquals([parsed?.base, parsed?.counter, parsed?.step], [base, counter, step]);
    assertEquals(parsed?.timestamp.length, 15);
  }
});

Deno.test("parseBaseName() knows every golden file", () => {
  for (const { name } of goldenFiles()) {
    assertEquals(parseBaseName(name.split("/").at(-1) ?? "")?.counter !== undefined, true, name);
  }
});

Deno.test("parseBaseName() is undefined for foreign names", () => {
  const foreign = [
    "",
    "checkpoint-",
    "checkpoint-zzz",
    "checkpoint-foo",
    "checkpoint-n12-x",
    "checkpoint-n-x",
    "checkpoint-n0000003",
    `Checkpoint-n0000000-${TIME}-initial`,
    `my-checkpoint-n0000000-${TIME}-initial`,
    `checkpoint-n0000000-${TIME}`,
    `checkpoint-n0000000-${TIME}-initial.json`,
    `checkpoint-n0000000-${TIME}-initial\n`,
    `checkpoint-n000000-${TIME}-initial`,
    `checkpoint-n00000000-${TIME}-initial`,
    `checkpoint-n-9223372036854775808-${TIME}-initial`,
    `checkpoint-n0000000-20251301-140309-initial`,
    `checkpoint-n0000000-20250601-240309-initial`,
    `checkpoint-n0000000-${TIME}-step-0000001`,
    `checkpoint-n0000000-${TIME}-step-00000000`,
    `checkpoint-n0000000-${TIME}-step-000000001`,
    `checkpoint-${TIME}-step-000000`,
    `checkpoint-n٠٠٠٠٠٠٠-${TIME}-initial`,
  ];
  for (const base of foreign) assertEquals(parseBaseName(base), undefined, base);
});

Deno.test("compareBaseNames() orders old names by time and step, then by counter as a number", () => {
  const ordered = [
    "checkpoint-20230601-101010",
    "checkpoint-20230601-101011-initial",
    "checkpoint-20230601-101011-step-000010",
    "checkpoint-20230601-101011-step-00000011",
    `checkpoint-n0000000-${TIME}-initial`,
    "checkpoint-n0000001-20200601-140309-initial",
    `checkpoint-n9999999-${TIME}-initial`,
    `checkpoint-n10000000-${TIME}-initial`,
  ];
  assertEquals(names([...ordered].reverse()).sort(compareBaseNames).map(({ base }) => base), ordered);
});

Deno.test("nextCounter() exceeds every counter", () => {
  assertEquals(nextCounter([]), 0n);
  assertEquals(nextCounter(names(["checkpoint-20230601-101010-step-000010"])), 0n);
  assertEquals(
    nextCounter(names([`checkpoint-n0000007-${TIME}-initial`, `checkpoint-n0000009-${TIME}-step-00000001`])),
    10n,
  );
  assertEquals(
    nextCounter(names([`checkpoint-n10000000-${TIME}-initial`, `checkpoint-n9999999-${TIME}-initial`])),
    10000001n,
  );
});

Deno.test("formatBaseName() pads in local time and is read back", () => {
  const date = new Date(2025, 5, 1, 14, 3, 9);
  assertEquals(formatBaseName(0n, date, 0n), `checkpoint-n0000000-${TIME}-initial`);
  assertEquals(formatBaseName(0n, date, -5n), `checkpoint-n0000000-${TIME}-initial`);
  assertEquals(formatBaseName(38n, date, 49190n), `checkpoint-n0000038-${TIME}-step-00049190`);
  for (
    const [counter, step] of [[0n, 0n], [12345678n, 1n], [9999999n, 99999999n], [10000000n, 2n ** 63n - 1n]] as const
  ) {
    const parsed = parseBaseName(formatBaseName(counter, date, step));
    assertEquals([parsed?.counter, parsed?.step, parsed?.timestamp], [counter, step, TIME]);
  }
  assertThrows(() => formatBaseName(0n, new Date(NaN), 0n), ConfigError, "clock");
});

function names(bases: readonly string[]): BaseName[] {
  return bases.map(parseBaseName).filter((each) => each !== undefined);
}
