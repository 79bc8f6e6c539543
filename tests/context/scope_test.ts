import { assert, assertEquals } from "@std/assert";
import {
  belongsToRun,
  compareUtf8,
  escapeScopeName,
  isAtOrBelow,
  isInScope,
  isOptimizerOrMetrics,
  joinScope,
  parentScope,
  splitScope,
} from "../../src/context/mod.ts";

for (
  const [scope, name, wanted] of [
    ["", "a", "a"],
    ["/", "a", "/a"],
    ["/b", "a", "/b/a"],
    ["/b/", "a", "/b/a"],
  ] as const
) {
  Deno.test(`joinScope() gives "${wanted}" when scope is "${scope}" and name "${name}"`, () => {
    assertEquals(joinScope(scope, name), wanted);
  });
}

for (
  const [text, scope, name] of [
    ["a", "", "a"],
    ["a/b", "", "a/b"],
    ["/a", "/", "a"],
    ["/c/b/a", "/c/b", "a"],
    ["/c/b/", "/c/b", ""],
    ["/", "/", ""],
    ["", "", ""],
  ] as const
) {
  Deno.test(`splitScope() gives scope "${scope}" and name "${name}" when the text is "${text}"`, () => {
    assertEquals(splitScope(text), { scope, name });
  });
}

Deno.test("escapeScopeName() replaces every slash when the text has some", () => {
  assertEquals(escapeScopeName("/a/b//c"), "_a_b__c");
});

Deno.test("parentScope() follows the text when there are double and trailing slashes", () => {
  const chain = ["/a//b"];
  for (let at = parentScope("/a//b"); at !== undefined; at = parentScope(at)) chain.push(at);
  assertEquals(chain, ["/a//b", "/a/", "/a", "/"]);
});

Deno.test("belongsToRun() is the step and the random state in the root, and /trainer", () => {
  for (const path of ["/global_step", "/#rngState", "/trainer", "/trainer/epoch", "/trainer/best/loss"]) {
    assert(belongsToRun(path), path);
  }
  for (
    const path of ["/AdamOptimizer/global_step", "/a/global_step", "/a/#rngState", "/trainer2/w", "/a/trainer/w", "/"]
  ) {
    assert(!belongsToRun(path), path);
  }
});

Deno.test("isOptimizerOrMetrics() looks at each part of a scope", () => {
  for (
    const scope of [
      "/AdamOptimizer/",
      "/optimizers/cosine_schedule",
      "/teacher/AdamOptimizer/a",
      "/metrics",
      "/a/metrics",
    ]
  ) {
    assert(isOptimizerOrMetrics(scope), scope);
  }
  for (const scope of ["/", "/a", "/metrics_head", "/trainer"]) assert(!isOptimizerOrMetrics(scope), scope);
});

Deno.test("isInScope() stops at slashes when scopes share a prefix", () => {
  assert(isInScope("/a", "/a"));
  assert(isInScope("/a/b", "/a"));
  assert(isInScope("/ab", "/"));
  assert(!isInScope("/ab", "/a"));
  assert(!isInScope("/", "/a"));
  // As in GoMLX, a scope that ends with a slash is another one.
  assert(!isInScope("/a", "/a/"));
  assert(!isInScope("/a/b", "/a/"));
  assert(isInScope("/a/", "/a"));
});

Deno.test("isAtOrBelow() forgives one slash at the end of what is asked for", () => {
  for (const asked of ["/a", "/a/"]) {
    for (const path of ["/a", "/a/", "/a/b", "/a/b/c", "/a//b"]) assert(isAtOrBelow(path, asked), `${path} ${asked}`);
    for (const path of ["/", "/ab", "/ab/a", "/b/a"]) assert(!isAtOrBelow(path, asked), `${path} ${asked}`);
  }
  assert(isAtOrBelow("/a", "/") && isAtOrBelow("/", "/") && isAtOrBelow("//a", "/"));
  assert(!isAtOrBelow("/a/b", "/a//"));
});

Deno.test("compareUtf8() orders as UTF-8 bytes when texts are random", () => {
  const random = mulberry(7);
  const alphabet = ["a", "Z", "/", "é", "日", "\u{e000}", "～", "\uffff", "🚀", "\u{10ffff}", "\u{d7ff}"];
  const text = () =>
    Array.from({ length: Math.floor(random() * 4) }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
  for (let i = 0; i < 3000; i++) {
    const [a, b] = [text(), text()];
    assertEquals(Math.sign(compareUtf8(a, b)), compareBytes(a, b), `${a} ${b}`);
  }
});

function compareBytes(a: string, b: string): number {
  const [x, y] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(x.length - y.length);
}

function mulberry(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
