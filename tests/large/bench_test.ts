import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

const BENCH = fromFileUrl(new URL("../../bench/bench.ts", import.meta.url));

Deno.test({
  name: "bench.ts --quick reports every limit and every operation of Cairn, and leaves nothing behind",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const parent = await Deno.makeTempDir({ prefix: "cairn-bench-test-" });
    try {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", BENCH, "--quick", `--dir=${parent}`],
      }).output();
      const progress = new TextDecoder().decode(stderr);
      assertEquals(success, true, progress);
      const report = new TextDecoder().decode(stdout);

      const [limits = "", cairn = ""] = report.split("\n## ").slice(1).map((section) => section.replace(/\n+/g, "\n"));
      assertEquals(operationsOf(limits), [
        "dd of zeros, conv=fsync",
        "write from touched memory + fsync",
        "cp + fsync",
        "warm read into a reused buffer",
        "warm read into fresh memory",
        "cold read into fresh memory",
        "CRC-32",
        "memcpy into touched memory",
        "memcpy of each variable into touched memory",
        "memcpy into fresh memory",
        "plain read of manifest and first variable",
        "write from touched memory + fsync",
        "memcpy of each variable into touched memory",
        "warm read into fresh memory",
        "plain read of manifest and first variable",
        "warm read into a reused buffer",
        "memcpy into touched memory",
        "warm read into a reused buffer",
        "idle process",
        "idle process with tfjs cpu",
        "idle process with tfjs wasm",
        "idle process with tfjs-node",
      ]);
      assertEquals(operationsOf(cairn), [
        "durable save",
        "durable save of values still in a file",
        "caller blocked by a save in the background",
        "load all, immediate()",
        "load all, immediate(), cold",
        "load all, mapped",
        "lazy open + first variable",
        "lazy open + first variable, again in the same process",
        "lazy open + first variable, cold",
        "durable save",
        "durable save of values still in a file",
        "caller blocked by a save in the background",
        "load all, immediate()",
        "load all, immediate(), cold",
        "lazy open + first variable",
        "lazy open + first variable, again in the same process",
        "lazy open + first variable, cold",
        "mean on host",
        "mean on host, cold",
        "mean on tfjs cpu",
        "mean on tfjs wasm",
        "mean on tfjs-node",
        "mean on host, mapped",
        "mean on tfjs-node, mapped",
        "mean on host",
        "mean on host",
        "mean on host",
        "import of mod.ts as it is published",
        "import of mod.ts from its sources",
      ]);
      for (
        const data of ["5 × 0.4 MiB Float32", "5 × 0.4 MiB BFloat16", "5 × 0.4 MiB Float64", "3 × 0.1 MiB Float32"]
      ) {
        assertStringIncludes(cairn, `| mean on host, ${data} in `);
      }
      assertMatch(progress, /^bench: making data set 1 of 6, "large"$/m);
      assertMatch(progress, /^bench: 51 of 51, round 1 of 1: /m);
      assertMatch(progress, /^bench: \d+ of 51, round 1 of 1: import of mod\.ts as it is published: \d/m);
      assertEquals(report.includes("NaN"), false);
      assertMatch(report, /load average \(1, 5, 15 minutes\): [\d.]+, [\d.]+, [\d.]+ before/);
      assertEquals(await Array.fromAsync(Deno.readDir(parent)), []);
    } finally {
      await Deno.remove(parent, { recursive: true });
    }
  },
});

/**
 * The first cells of a section's table, without the sizes; each row has at least a minimum and a median, but for those
 * that need tfjs-node where it is not set up.
 */
function operationsOf(section: string): string[] {
  const rows = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return rows.map((row) => {
    const [, operation = "", min = "", median = ""] = row.split("|").map((cell) => cell.trim());
    const isMeasured = /^\d+\.\d+ \d+\.\d+$/.test(`${min} ${median}`);
    assertEquals(isMeasured || (operation.includes("tfjs-node") && `${min} ${median}` === "– –"), true, row);
    return operation.replace(/, (\d+ × )?[\d.]+ [MG]iB .*in .*$/, "");
  });
}
