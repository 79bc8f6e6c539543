/** How many tests ended in which way; a test's steps are not counted apart. */
export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts the tests of a JUnit report as `deno test` writes it. A run that failed without a failed test counts as one:
 * a file that does not load has no test case, and one that does not type-check has no report (`undefined`).
 */
export function countTests(junit: string | undefined, exitCode: number): TestTotals {
  let [passed, failed, skipped] = [0, 0, 0];
  for (const suite of (junit ?? "").split("<testsuite ").slice(1)) {
    const cases = suite.split("<testcase ").slice(1);
    const names = new Set(cases.map(nameOf));
    for (const testCase of cases) {
      if (isStep(nameOf(testCase), names)) continue;
      if (testCase.includes("<failure") || testCase.includes("<error")) failed++;
      else if (testCase.includes("<skipped")) skipped++;
      else passed++;
    }
  }
  if (exitCode !== 0 && failed === 0) failed = 1;
  return { passed, failed, skipped };
}

/** The line that a run ends in. */
export function totalsText({ passed, failed, skipped }: TestTotals): string {
  return `${passed} passed, ${failed} failed` + (skipped > 0 ? `, ${skipped} skipped` : "");
}

function nameOf(testCase: string): string {
  return /name="([^"]*)"/.exec(testCase)?.[1] ?? "";
}

/** Deno names a step `test > step`, with the `>` as it is or escaped. */
function isStep(name: string, names: ReadonlySet<string>): boolean {
  for (const { index } of name.matchAll(/ (?:>|&gt;) /g)) {
    if (names.has(name.slice(0, index))) return true;
  }
  return false;
}
