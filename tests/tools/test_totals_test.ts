import { assertEquals } from "@std/assert";
import { countTests, totalsText } from "../../tools/test_totals.ts";

const JUNIT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="2" errors="0" time="0.1">
    <testsuite name="./a_test.ts" tests="5" disabled="1" errors="0" failures="2">
        <testcase name="passes &lt;skipped/&gt;" classname="./a_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="is skipped" classname="./a_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
        <testcase name="steps" classname="./a_test.ts" time="0.002" line="3" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="steps > one" classname="./a_test.ts" time="0.000" line="3" col="43">
        </testcase>
        <testcase name="steps > two" classname="./a_test.ts" time="0.000" line="3" col="43">
            <failure message="Uncaught Error: x">Error: x</failure>
        </testcase>
        <testcase name="a > b" classname="./a_test.ts" time="0.000" line="9" col="43">
        </testcase>
    </testsuite>
    <testsuite name="./mod.ts#4-8.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="mod.ts#4-8.ts" classname="./mod.ts#4-8.ts" time="0.000" line="2" col="6">
        </testcase>
    </testsuite>
</testsuites>
`;

Deno.test("countTests() counts tests and examples, not steps", () => {
  assertEquals(countTests(JUNIT, 1), { passed: 3, failed: 1, skipped: 1 });
});

Deno.test("countTests() counts a run that failed without a failed test, or without a report, as a failure", () => {
  const passing = JUNIT.replaceAll(/<failure.*<\/failure>/g, "");
  assertEquals(countTests(passing, 0), { passed: 4, failed: 0, skipped: 1 });
  assertEquals(countTests(passing, 1), { passed: 4, failed: 1, skipped: 1 });
  assertEquals(countTests(undefined, 1), { passed: 0, failed: 1, skipped: 0 });
});

Deno.test("totalsText() names skipped tests only if there are some", () => {
  assertEquals(totalsText({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  assertEquals(totalsText({ passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
});
