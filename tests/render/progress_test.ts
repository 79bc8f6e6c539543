import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type JupyterBundle,
  type KernelDisplayOptions,
  type Progress,
  RecentRate,
  renderStatus,
  showProgress,
  type ShowProgressOptions,
  watched,
  watchWork,
  type WorkState,
  workStatus,
} from "../../src/render/mod.ts";
import { statusBundle } from "../../src/render/status_html.ts";
import { assertSafeHtml, textOf } from "./html_check.ts";

const MIB = 1024 ** 2;
const HALFWAY: WorkState = {
  phase: "save",
  done: 512 * MIB,
  total: 1024 * MIB,
  elapsed: 600,
  rate: 1024 * MIB,
  state: "running",
};

function lineOf(state: Partial<WorkState>, form: "log" | "terminal" = "log", width = 80): string {
  return renderStatus(workStatus({ ...HALFWAY, ...state }), { form, width });
}

Deno.test("workStatus() says how far, when it ends and how fast, in a log and in a terminal", () => {
  assertEquals(lineOf({}), "saving 512 MiB of 1 GiB · 50 % · ETA 500 ms · 1 GiB/s");
  assertEquals(lineOf({}, "terminal"), " 50 % ━━━━━━━━──────── · saving 512 MiB/1 GiB · ETA 500 ms · 1 GiB/s");
  assertEquals(lineOf({ rate: undefined, phase: "mean" }), "averaging 512 MiB of 1 GiB · 50 %");
  assertEquals(lineOf({ rate: 0 }), "saving 512 MiB of 1 GiB · 50 %");
  assertEquals(lineOf({ done: 0, total: 0, rate: undefined }), "saving 0 B of 0 B");
});

Deno.test("workStatus() ends with what was done, how long it took and how fast it was on the whole", () => {
  const ended = { state: "done", elapsed: 1200, rate: undefined } as const;
  for (const form of ["log", "terminal"] as const) {
    assertEquals(lineOf(ended, form), "saved 1 GiB in 1.2 s, 853 MiB/s");
    assertEquals(lineOf({ ...ended, state: "failed" }, form), "saving stopped at 512 MiB of 1 GiB after 1.2 s");
  }
  const phases = ["load", "mean", "preview", "compare", "statistics"];
  assertEquals(phases.map((phase) => lineOf({ ...ended, phase }).split(" ")[0]), [
    "loaded",
    "averaged",
    "previewed",
    "compared",
    "measured",
  ]);
  assertEquals(lineOf({ ...ended, total: 0 }), "saved 0 B in 1.2 s");
});

Deno.test("workStatus() stays within the total, and lets no phase rewrite the terminal", () => {
  assertMatch(lineOf({ done: 2048 * MIB }, "terminal"), /^100 % ━{16} · saving 1 GiB\/1 GiB · 1 GiB\/s$/);
  const line = lineOf({ phase: "\x1b[2Jup\nload" }, "terminal", 200);
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  assert(!/[\x00-\x1f]/.test(line), line);
});

Deno.test("renderStatus() drops the rate, then the time left, then the bar, and never exceeds the width", () => {
  assertEquals(lineOf({}, "terminal", 60), " 50 % ━━━━━━━━──────── · saving 512 MiB/1 GiB · ETA 500 ms");
  assertEquals(lineOf({}, "terminal", 50), " 50 % ━━━━━━━━──────── · saving 512 MiB/1 GiB");
  assertEquals(lineOf({}, "terminal", 30), "saving 512 MiB/1 GiB");
  assertEquals(lineOf({}, "terminal", 6), "saving");
});

Deno.test("statusBundle() has the line and a bar that reads well without styles", () => {
  const bundle = statusBundle(workStatus(HALFWAY));
  assertEquals(bundle["text/plain"], lineOf({}));
  assertSafeHtml(bundle["text/html"]);
  assertEquals(textOf(bundle["text/html"]).trim(), lineOf({}));
  assertStringIncludes(bundle["text/html"], "width:50.0%");
  const evil = statusBundle(workStatus({ ...HALFWAY, phase: "<img src=x onerror=alert(1)>" }))["text/html"];
  assertSafeHtml(evil);
  assert(!statusBundle(workStatus({ ...HALFWAY, state: "done" }))["text/html"].includes("width"));
});

Deno.test("RecentRate forgets what was long ago", () => {
  const rate = new RecentRate(1000, 0);
  assertEquals(rate.at(1000, 0), undefined);
  assertEquals(rate.at(2000, 500), 500);
  for (let now = 3000, count = 500; now <= 60_000; now += 1000) rate.at(now, count += 100);
  assertAlmostEquals(rate.at(61_000, 500 + 59 * 100) ?? 0, 100, 1);
});

/** Work of a hundred parts of 10 MiB, 50 ms each, and what was drawn of it. */
async function drawnOf(options: ShowProgressOptions, parts = 100, fail = Infinity): Promise<string[]> {
  let now = 5000;
  const written: string[] = [];
  const watch = watchWork(
    showProgress({ clock: () => now, width: 100, write: (text) => void written.push(text), ...options }),
    "save",
    parts * 10 * MIB,
  );
  await watched(watch, () => {
    for (let part = 1; part <= parts; part++) {
      now += 50;
      if (part === fail) throw new Error("full disk");
      watch.update({ phase: "save", done: part * 10 * MIB, total: parts * 10 * MIB });
    }
    now += 1000; // Only now it is synced.
    return Promise.resolve();
  }).catch(() => {});
  return written;
}

Deno.test("showProgress() redraws a terminal's line ten times a second, from 0.3 s on, and ends it when all is over", async () => {
  const written = await drawnOf({ form: "terminal" });
  assertEquals(written.length, 1 + (5000 - 300) / 100 + 1);
  assertEquals(
    written[0],
    "\r  6 % ──────────────── · saving 60 MiB/1000 MiB · ETA 4.7 s · 200 MiB/s\x1b[K",
  );
  assert(written.every((text) => text.startsWith("\r") && text.includes("\x1b[K")));
  assertEquals(written.findIndex((text) => text.endsWith("\n")), written.length - 1);
  assertEquals(written.at(-1), "\rsaved 1000 MiB in 6.0 s, 167 MiB/s\x1b[K\n");
});

Deno.test("showProgress() writes lines to a log: every ten seconds, and one at the end", async () => {
  assertEquals(await drawnOf({ form: "log" }), ["saved 1000 MiB in 6.0 s, 167 MiB/s\n"]);
  assertEquals((await drawnOf({ form: "log" }, 500)).map((line) => line.split(" · ")[0]), [
    "saving 1.95 GiB of 4.88 GiB",
    "saving 3.91 GiB of 4.88 GiB",
    "saved 4.88 GiB in 26 s, 192 MiB/s\n",
  ]);
});

Deno.test("showProgress() shows nothing of work that is done at once", async () => {
  let now = 0;
  for (const form of ["terminal", "log", "kernel"] as const) {
    const shown: unknown[] = [];
    const show = (text: unknown): Promise<void> => Promise.resolve(void shown.push(text));
    const options = { form, interval: 0, clock: () => now, write: show, display: show };
    for (const duration of [299, 300]) {
      const watch = watchWork(showProgress(options), "load", 10);
      await watched(watch, () => {
        watch.update({ phase: "load", done: 10, total: 10 });
        now += duration;
        return Promise.resolve();
      });
      assertEquals(shown.length, duration === 299 ? 0 : 1);
    }
  }
});

Deno.test("showProgress() ends its line where the work fails, and leaves it to the error where there is none", async () => {
  assertEquals(await drawnOf({ form: "terminal" }, 100, 5), []);
  assertEquals(
    (await drawnOf({ form: "terminal" }, 100, 9)).at(-1),
    "\rsaving stopped at 80 MiB of 1000 MiB after 450 ms\x1b[K\n",
  );
});

Deno.test("showProgress() goes quiet where nobody reads, and the work goes on", async () => {
  for (const form of ["terminal", "kernel"] as const) {
    let calls = 0;
    const broken = (): never => {
      calls++;
      throw new Error("broken pipe");
    };
    const written = await drawnOf({ form, write: broken, display: broken });
    assertEquals([written, calls], [[], 1]);
  }
});

Deno.test("showProgress() updates one display in a kernel, never two at a time, and waits for the last", async () => {
  const calls: { text: string; options: KernelDisplayOptions | undefined }[] = [];
  let running = 0;
  const display = async (value: unknown, options?: KernelDisplayOptions): Promise<void> => {
    assertEquals(++running, 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    calls.push({ text: textOf(bundleText(value)), options });
  };
  const written = await drawnOf({ form: "kernel", display });
  assertEquals(written, []);
  // The work above leaves no time between its parts: what was not sent yet is skipped.
  assertEquals(calls.map(({ text }) => text.trim()), [
    "saving 60 MiB of 1000 MiB · 6 % · ETA 4.7 s · 200 MiB/s",
    "saved 1000 MiB in 6.0 s, 167 MiB/s",
  ]);
  const [first, last] = calls.map(({ options }) => options);
  assertEquals([first?.update, last?.update], [false, true]);
  assertEquals([first?.raw, last?.raw], [true, true]);
  assertEquals(first?.display_id, last?.display_id);
  assert((first?.display_id ?? "") !== "");
  await drawnOf({ form: "kernel", display });
  assert(calls.at(-1)?.options?.display_id !== first?.display_id, "each work has its own");
});

function bundleText(value: unknown): string {
  const html: JupyterBundle["text/html"] = Reflect.get(Object(value), "text/html");
  return html;
}

Deno.test("showProgress() called by hand begins anew with each work, and ends at the total", () => {
  let now = 0;
  const written: string[] = [];
  const options = { form: "log", delay: 0, interval: 0, clock: () => now, write: (line: string) => written.push(line) };
  const show = showProgress({ ...options, form: "log" });
  const work = (phase: string, ...steps: number[]): void => {
    for (const done of steps) {
      show({ phase, done, total: 100 });
      now += 1000;
    }
  };
  work("upload", 0, 50, 100);
  work("upload", 10);
  work("check", 10, 100);
  assertEquals(written, [
    "upload 0 B of 100 B · 0 %\n",
    "upload 50 B of 100 B · 50 % · ETA 1.0 s · 50 B/s\n",
    "upload: 100 B in 2.0 s, 50 B/s\n",
    "upload 10 B of 100 B · 10 %\n",
    "check 10 B of 100 B · 10 %\n",
    "check: 100 B in 1.0 s, 100 B/s\n",
  ]);
});

Deno.test("watchWork() hands a plain callback its events only, and its errors to the work", async () => {
  const seen: Progress[] = [];
  const watch = watchWork((progress) => void seen.push(progress), "load", 2);
  watch.update({ phase: "load", done: 1, total: 2 });
  await watch.end("done");
  assertEquals(seen, [{ phase: "load", done: 1, total: 2 }]);
  const failing = watchWork(
    () => {
      throw new RangeError("mine");
    },
    "load",
    2,
  );
  const work = (): Promise<unknown> => Promise.resolve(failing.update({ phase: "load", done: 1, total: 2 }));
  await assertRejects(() => watched(failing, async () => await work()), RangeError, "mine");
  for (const nobody of [undefined, false]) {
    assertEquals(watchWork(nobody, "load", 2).update({ phase: "load", done: 1, total: 2 }), undefined);
  }
});
