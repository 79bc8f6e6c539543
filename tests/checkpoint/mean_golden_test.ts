// What GoMLX computed with TakeMean(n) on its pure Go backend, beside ours. GoMLX rounds to the variable's dtype after
// each operation, we once: the results are equal up to that rounding.
import { assert, assertEquals } from "@std/assert";
import { type DType, isDType, load, openCheckpoint, Tensor } from "@cairn/checkpoints";
import { Context } from "@cairn/checkpoints";
import { GOLDEN, VERSIONS } from "../format/golden_files.ts";

/** Distance from 1 to the next number. GoMLX truncates to BFloat16 up to v0.27. */
const EPS: Partial<Record<DType, number>> = {
  Float16: 2 ** -10,
  BFloat16: 2 ** -7,
  Float32: 2 ** -23,
  Float64: 2 ** -52,
};

interface GoVariable {
  readonly scope: string;
  readonly name: string;
  readonly dtype: string;
  readonly dimensions: readonly number[];
  readonly base64: string;
}

interface GoMean {
  readonly outcome: { readonly kind: string };
  readonly variables: readonly GoVariable[];
}

for (const version of VERSIONS) {
  for (const name of ["takemean-source", "takemean-source-f16"]) {
    const folder = new URL(`${version}/${name}/`, GOLDEN).pathname;
    const means: Record<string, GoMean> = JSON.parse(Deno.readTextFileSync(`${folder}expected.json`)).takeMean;
    for (const [n, go] of Object.entries(means)) {
      // Float16 is missing from the pure Go backend of v0.19.4, and n = 0 panics in all of them.
      if (go.outcome.kind !== "ok") continue;
      Deno.test(`takeMean(${n}) agrees with GoMLX ${version} on ${name}`, () => compare(folder, Number(n), go));
    }
  }
}

async function compare(folder: string, n: number, go: GoMean): Promise<void> {
  const ctx = new Context();
  await using handler = await load(ctx).dir(folder).takeMean(n).done();
  const taken = handler.mean?.baseNames ?? [handler.loadedBase ?? ""];
  const sources = await Promise.all(taken.map((base) => openCheckpoint(`${folder}${base}.json`)));
  let averaged = 0;
  for (const row of go.variables) {
    const path = `${row.scope === "/" ? "" : row.scope}/${row.name}`;
    const ours = ctx.getVariableByScopeAndName(row.scope, row.name)?.value();
    assert(ours !== undefined && isDType(row.dtype), path);
    const theirs = new Tensor(row.dtype, row.dimensions, Uint8Array.fromBase64(row.base64));
    const having = sources.filter((each) => each.variables.some((one) => `${one.scope}/${one.name}`.endsWith(path)));
    const eps = EPS[row.dtype];
    if (eps === undefined || n === 1) {
      assert(ours.equals(theirs), `${path}: ${ours.toNested()} and ${theirs.toNested()}`);
      continue;
    }
    // GoMLX's weights go wrong where a checkpoint does not have the variable: see the next test.
    if (having.length < sources.length) continue;
    averaged++;
    const values = await Promise.all(having.map((each) => each.read(path)));
    const largest = Math.max(...values.flatMap(numbers).filter(Number.isFinite).map(Math.abs));
    const bound = 4 * taken.length * eps * largest;
    const [left, right] = [numbers(ours), numbers(theirs)];
    assertEquals(left.length, right.length);
    left.forEach((one, index) => {
      const other = right[index] ?? NaN;
      const same = Object.is(one, other) || Math.abs(one - other) <= bound || (isNaN(one) && isNaN(other));
      assert(same, `${path}[${index}]: ours ${one}, GoMLX ${other}, bound ${bound}`);
    });
  }
  if (n !== 1) assert(averaged >= 8, `only ${averaged} variables were compared`);
  sources.forEach((each) => each.close());
}

function numbers(tensor: Tensor): number[] {
  return Array.from({ length: tensor.size }, (_, index) => Number(tensor.at(index)));
}

Deno.test("takeMean() weighs equally where GoMLX does not, if the oldest lacks a variable", async () => {
  const ctx = new Context();
  const folder = new URL("v0.19.4/takemean-source/", GOLDEN).pathname;
  await using handler = await load(ctx).dir(folder).takeMean(5).done();
  const [oldest, ...rest] = await Promise.all(
    (handler.mean?.baseNames ?? []).map((base) => openCheckpoint(`${folder}${base}.json`)),
  );
  assertEquals(oldest?.variables.some((each) => each.name === "not_in_oldest"), false);
  const values = await Promise.all(
    rest.filter((each) => each.variables.some((one) => one.name === "not_in_oldest"))
      .map(async (each) => Number((await each.read("/m/not_in_oldest")).item())),
  );
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  assertEquals(ctx.in("m").getVariable("not_in_oldest")?.value().item(), Math.fround(mean));
  [oldest, ...rest].forEach((each) => each?.close());
});
