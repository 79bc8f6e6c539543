import { assertEquals, assertMatch } from "@std/assert";
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
      assertEquals(success, true, new TextDecoder().decode(stderr));
      const report = new TextDecoder().decode(stdout);

      const [limits = "", cairn = ""] = report.split("\n## ").slice(1).map((section) => section.replace(/\n+/g, "\n"));
      assertEquals(operationsOf(limits), [
        "dd of zeros, conv=fsync",
        "write from touched memory + fsync",
        "cp + fsync",
        "warm read into a reused buffer",
        "warm read into fresh memory",
        "CRC-32",
        "memcpy into touched memory",
        "memcpy into fresh memory",
        "plain read of manifest and first variable",
        "write from touched memory + fsync",
        "warm read into fresh memory",
        "plain read of manifest and first variable",
        "idle process",
      ]);
      assertEquals(operationsOf(cairn), [
        "durable save",
        "durable save of values still in a file",
        "load all, immediate()",
        "lazy open + first variable",
        "durable save",
        "durable save of values still in a file",
        "load all, immediate()",
        "lazy open + first variable",
        "import of mod.ts",
      ]);
      assertEquals(report.includes("NaN"), false);
      assertMatch(report, /load average \(1, 5, 15 minutes\): [\d.]+, [\d.]+, [\d.]+ before/);
      assertEquals(await Array.fromAsync(Deno.readDir(parent)), []);
    } finally {
      await Deno.remove(parent, { recursive: true });
    }
  },
});

/** The first cells of a section's table, without the sizes; each row has at least a minimum and a median. */
function operationsOf(section: string): string[] {
  const rows = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return rows.map((row) => {
    const [, operation = "", min = "", median = ""] = row.split("|").map((cell) => cell.trim());
    assertMatch(`${min} ${median}`, /^\d+\.\d+ \d+\.\d+$/);
    return operation.replace(/, [\d.]+ [MG]iB in .*$/, "");
  });
}
