import { assertStrictEquals } from "@std/assert";
import { exactMean } from "../../src/backend/exact_mean.ts";

const ULP = 2 ** -52;

Deno.test("exactMean() rounds once, to nearest, ties to even", () => {
  assertStrictEquals(exactMean([1, 1 + ULP]), 1);
  assertStrictEquals(exactMean([1 + ULP, 1 + 2 * ULP]), 1 + 2 * ULP);
  assertStrictEquals(exactMean([-1 - ULP, -1 - 2 * ULP]), -1 - 2 * ULP);
});

Deno.test("exactMean() sees what is far below a tie", () => {
  assertStrictEquals(exactMean([3, 3 * 2 ** -53, 0]), 1);
  assertStrictEquals(exactMean([3, 3 * 2 ** -53, Number.MIN_VALUE]), 1 + ULP);
  assertStrictEquals(exactMean([3, 3 * 2 ** -53, -Number.MIN_VALUE]), 1);
});

Deno.test("exactMean() rounds subnormal means at the last bit that there is", () => {
  const tiny = Number.MIN_VALUE;
  assertStrictEquals(exactMean([tiny, 0]), 0);
  assertStrictEquals(exactMean([tiny, 2 * tiny]), 2 * tiny);
  assertStrictEquals(exactMean([tiny, tiny, 0]), tiny);
});

Deno.test("exactMean() holds sums beyond float64", () => {
  const { MAX_VALUE } = Number;
  assertStrictEquals(exactMean([MAX_VALUE, MAX_VALUE, MAX_VALUE]), MAX_VALUE);
  assertStrictEquals(exactMean([MAX_VALUE, MAX_VALUE, -MAX_VALUE, -MAX_VALUE, 5]), 1);
  assertStrictEquals(exactMean([MAX_VALUE, MAX_VALUE, -Infinity]), -Infinity);
});
