import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../src/context/mod.ts";
import { ConfigError } from "../../src/errors.ts";

Deno.test("Random.state is all that a stream goes on from", () => {
  const random = new Random(7n);
  random.normal();
  const state = random.state;
  const drawn = [random.uniform(), random.normal(), random.int(1000), random.nextUint32()];
  const other = new Random(8n);
  other.state = state;
  assertEquals([other.uniform(), other.normal(), other.int(1000), other.nextUint32()], drawn);
  assertEquals(state.length, 4, "and it is a copy: drawing did not change it");
  other.state = state;
  assertEquals(other.uniform(), drawn[0]);
  for (const bad of [new Uint32Array(3), new Uint32Array(4), new Uint32Array(0)]) {
    assertThrows(() => random.state = bad, ConfigError, "wanted 4 words");
  }
});

Deno.test("Random.int() is even, also where the range does not divide 2^32", () => {
  const random = new Random(1n);
  for (const below of [3, 2 ** 31 + 2 ** 30, 2 ** 33 + 1, 2 ** 53]) {
    const thirds = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const drawn = random.int(below);
      assert(Number.isSafeInteger(drawn) && drawn >= 0 && drawn < below);
      const third = Math.floor(drawn / below * 3);
      thirds[third] = (thirds[third] ?? 0) + 1;
    }
    assert(thirds.every((count) => Math.abs(count - 10_000) < 400), `${below}: ${thirds}`);
  }
  assertEquals(random.int(1), 0);
  for (const bad of [0, -1, 1.5, NaN, Infinity, 2 ** 54]) assertThrows(() => random.int(bad), ConfigError, String(bad));
});

Deno.test("Random.normal() has mean, deviation and tails of the normal distribution", () => {
  const random = new Random(2n);
  const drawn = Array.from({ length: 100_000 }, () => random.normal(5, 2));
  const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
  const deviation = Math.sqrt(drawn.reduce((sum, x) => sum + (x - mean) ** 2, 0) / drawn.length);
  assert(Math.abs(mean - 5) < 0.03 && Math.abs(deviation - 2) < 0.02, `${mean} ${deviation}`);
  for (const [sigmas, share] of [[1, 0.3173], [2, 0.0455], [3, 0.0027]] as const) {
    const beyond = drawn.filter((x) => Math.abs(x - 5) > 2 * sigmas).length / drawn.length;
    assert(Math.abs(beyond - share) < 0.005, `${beyond} beyond ${sigmas} sigmas`);
  }
});

Deno.test("Random.permutation() gives every order equally often; shuffle() moves a copy", () => {
  const random = new Random(3n);
  const counts = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = random.permutation(4).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assertEquals(counts.size, 24);
  assert([...counts.values()].every((count) => Math.abs(count - 1000) < 150), String([...counts.values()]));
  const list = [["a"], undefined, "c"];
  const shuffled = random.shuffle(list);
  assertEquals(new Set(shuffled), new Set(list));
  assertEquals(list, [["a"], undefined, "c"]);
  assertEquals([random.permutation(0).length, random.shuffle([])], [0, []]);
});
