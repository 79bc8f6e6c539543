import { assertEquals } from "@std/assert";
import { formatParameterName, parseParameterName } from "../../src/format/mod.ts";

Deno.test("parseParameterName() follows GoMLX's rules, for both root forms", () => {
  const cases: [string, string, string][] = [
    ["var://x", "/", "x"],
    ["var:/x", "/", "x"],
    ["var:/a/b/w", "/a/b", "w"],
    ["var:/AdamOptimizer//w_1st_moment", "/AdamOptimizer/", "w_1st_moment"],
    ["var://a/b", "//a", "b"],
    ["var:///x", "//", "x"],
    ["var:/s/", "/s", ""],
    ["var:/", "/", ""],
    ["var://", "/", ""],
    ["var:s/x", "/", "x"],
    ["var: /x", "/", "x"],
    ["var:/a/../b", "/a/..", "b"],
    ["var:/Moving Average Loss+Regularization_uuid:1/mean", "/Moving Average Loss+Regularization_uuid:1", "mean"],
  ];
  for (const [text, scope, name] of cases) assertEquals(parseParameterName(text), { scope, name }, text);
});

Deno.test("parseParameterName() is undefined for what GoMLX cannot use", () => {
  for (const text of ["", "x", "var:", "var:x", "/s/x", "VAR:/s/x", "var:s/t/x"]) {
    assertEquals(parseParameterName(text), undefined, text);
  }
});

Deno.test("formatParameterName() spells the root and cleans paths as the profile does", () => {
  const cases: [string, string, string, string][] = [
    ["/", "global_step", "var://global_step", "var:/global_step"],
    ["/a/b", "w", "var:/a/b/w", "var:/a/b/w"],
    ["/AdamOptimizer/", "w", "var:/AdamOptimizer//w", "var:/AdamOptimizer/w"],
    ["/a/b c/../d", "deep", "var:/a/b c/../d/deep", "var:/a/d/deep"],
    ["/", ".", "var://.", "var:/"],
    ["/", "..", "var://..", "var:/"],
    ["/a", "..", "var:/a/..", "var:/"],
    ["/.hidden/..x", "...", "var:/.hidden/..x/...", "var:/.hidden/..x/..."],
  ];
  for (const [scope, name, old, cleaned] of cases) {
    assertEquals(formatParameterName("gomlx-0.10", scope, name), old);
    assertEquals(formatParameterName("gomlx-0.25", scope, name), old);
    assertEquals(formatParameterName("gomlx-0.28", scope, name), cleaned);
    assertEquals(parseParameterName(old), { scope, name });
  }
});
