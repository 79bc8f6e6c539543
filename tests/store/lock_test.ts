import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { LockedError } from "../../src/errors.ts";
import { LocalStore } from "../../src/store/mod.ts";
import { TemporaryDirectory } from "./temporary_directory.ts";

const SCRIPT = fromFileUrl(new URL("./store_process.ts", import.meta.url));

Deno.test("lock() names the process that holds it, and is free once that was killed", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  const before = Date.now();
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, directory.path, "hold"],
    env: { DENO_NO_UPDATE_CHECK: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const first = await reader.read();
  assertEquals(JSON.parse(new TextDecoder().decode(first.value)), { pid: child.pid });

  const error = await assertRejects(() => store.lock(), LockedError);
  assertEquals(error.path, `${directory.path}/.cairn.lock`);
  assertMatch(
    error.message,
    new RegExp(`^Cannot lock "${directory.path}": pid ${child.pid} since \\S+Z on \\S+ has the lock$`),
  );
  const since = error.holder?.since.getTime() ?? 0;
  assertEquals([error.holder?.pid, since >= before && since <= Date.now()], [child.pid, true]);

  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await child.stdin.close().catch(() => {});
  const lock = await store.lock();
  assertEquals(
    await Deno.readTextFile(`${directory.path}/.cairn.lock`).then((text) => text.split(" ")[1]),
    `${Deno.pid}`,
  );
  lock.release();
});

Deno.test("lock() says another process where the holder's text is not ours", async () => {
  await using directory = await TemporaryDirectory.make();
  const store = new LocalStore(directory.path);
  const lock = await store.lock();
  await Deno.writeTextFile(`${directory.path}/.cairn.lock`, "\u001b[31m pid 1 since never");
  await assertRejects(() => store.lock(), LockedError, "another process has the lock");
  lock.release();
});
