import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { LockedError, NotFoundError, PermissionError, StoreError } from "../../src/errors.ts";
import { blobPlace, EmbeddedStore, LocalStore, MemoryStore, type Store } from "../../src/store/mod.ts";
import { TemporaryDirectory } from "./temporary_directory.ts";

// What every Store promises. Each kind is filled with the same blobs; those that can be written are, in addition, tested so.

const BLOBS: ReadonlyMap<string, Uint8Array> = new Map([
  ["b.bin", Uint8Array.from({ length: 1000 }, (_, i) => i % 251)],
  ["a.json", new TextEncoder().encode("{}")],
  ["empty", new Uint8Array()],
  ["\u{1F600}", Uint8Array.of(1)],
  ["\uFF5E", Uint8Array.of(2, 3)],
  ["backup/a.json", new TextEncoder().encode("[1]")],
]);

type StoreTest = (store: Store) => Promise<void>;

async function withLocalStore(test: StoreTest): Promise<void> {
  await using directory = await TemporaryDirectory.make();
  await test(await filled(new LocalStore(directory.path)));
}

async function withReadOnlyLocalStore(test: StoreTest): Promise<void> {
  await using directory = await TemporaryDirectory.make();
  await filled(new LocalStore(directory.path));
  await test(new LocalStore(directory.path, { write: false }));
}

async function withMemoryStore(test: StoreTest): Promise<void> {
  await test(await filled(new MemoryStore("contract")));
}

async function withEmbeddedStore(test: StoreTest): Promise<void> {
  await test(new EmbeddedStore(BLOBS));
}

async function filled<T extends Store>(store: T): Promise<T> {
  for (const [name, bytes] of BLOBS) await store.publish(name, (sink) => sink.write(bytes));
  return store;
}

const WRITABLE = [["LocalStore", withLocalStore], ["MemoryStore", withMemoryStore]] as const;
const READ_ONLY = [["read-only LocalStore", withReadOnlyLocalStore], ["EmbeddedStore", withEmbeddedStore]] as const;

async function contentOf(store: Store, name: string): Promise<Uint8Array> {
  const handle = await store.open(name);
  const bytes = new Uint8Array(handle.size);
  assertEquals(await handle.read(bytes, 0), handle.size);
  handle.close();
  return bytes;
}

async function textOf(store: Store, name: string): Promise<string> {
  return new TextDecoder().decode(await contentOf(store, name));
}

function publishText(store: Store, name: string, text: string): Promise<void> {
  return store.publish(name, (sink) => sink.write(new TextEncoder().encode(text)));
}

for (const [kind, withStore] of [...WRITABLE, ...READ_ONLY]) {
  Deno.test(`${kind}: list() gives names in byte order with sizes, without folders`, () =>
    withStore(async (store) => {
      assertEquals(await store.list(), [
        { name: "a.json", size: 2 },
        { name: "b.bin", size: 1000 },
        { name: "empty", size: 0 },
        { name: "\uFF5E", size: 2 },
        { name: "\u{1F600}", size: 1 },
      ]);
      assertEquals(await store.list("backup"), [{ name: "a.json", size: 3 }]);
      assertEquals(await store.list("nothing"), []);
    }));

  Deno.test(`${kind}: open() reads any range and says where the blob ends`, () =>
    withStore(async (store) => {
      const expected = await BLOBS.get("b.bin") ?? new Uint8Array();
      const handle = await store.open("b.bin");
      assertEquals(handle.size, 1000);
      for (
        const [at, length] of [[0, 1000], [0, 1], [999, 1], [137, 512], [990, 50], [1000, 5], [5000, 5], [
          10,
          0,
        ]] as const
      ) {
        const wanted = expected.subarray(at, at + length);
        const into = new Uint8Array(length).fill(99);
        assertEquals(await handle.read(into, at), wanted.length);
        assertEquals(into.subarray(0, wanted.length), wanted);
        assert(into.subarray(wanted.length).every((byte) => byte === 99), "bytes beyond the end were touched");
        const again = new Uint8Array(length);
        assertEquals(handle.readSync?.(again, at), wanted.length);
        assertEquals(again.subarray(0, wanted.length), wanted);
      }
      handle.close();
      handle.close();
    }));

  Deno.test(`${kind}: read() calls at once, mixed with readSync(), do not disturb each other`, () =>
    withStore(async (store) => {
      const handle = await store.open("b.bin");
      const reads = Array.from({ length: 200 }, async (_, i) => {
        const at = (i * 37) % 1000;
        const into = new Uint8Array(3);
        const count = await handle.read(into, at);
        assertEquals([...into.subarray(0, count)], [at, at + 1, at + 2].filter((p) => p < 1000).map((p) => p % 251));
        const one = new Uint8Array(1);
        handle.readSync?.(one, i);
        assertEquals(one[0], i % 251);
      });
      await Promise.all(reads);
      handle.close();
    }));

  Deno.test(`${kind}: a handle refuses bad offsets and reads after close()`, () =>
    withStore(async (store) => {
      const handle = await store.open("b.bin");
      for (const at of [-1, 0.5, NaN, Infinity]) {
        await assertRejects(() => handle.read(new Uint8Array(1), at), StoreError, `offset ${at}`);
      }
      handle.close();
      const error = await assertRejects(() => handle.read(new Uint8Array(1), 0), StoreError, "closed");
      assertEquals(error.path, `${store.label}/b.bin`);
    }));

  Deno.test(`${kind}: openSync() reads what open() reads`, () =>
    // deno-lint-ignore require-await -- what is asked for is a promise
    withStore(async (store) => {
      for (const [name, bytes] of BLOBS) {
        const handle = store.openSync?.(name);
        assert(handle?.readSync !== undefined, name);
        const into = new Uint8Array(handle.size);
        assertEquals([handle.readSync(into, 0), into], [bytes.length, bytes]);
        handle.close();
      }
    }));

  Deno.test(`${kind}: open() of a missing blob is a NotFoundError that names the path`, () =>
    withStore(async (store) => {
      for (const name of ["missing", "backup/missing", "nothing/missing"]) {
        const error = await assertRejects(() => store.open(name), NotFoundError);
        assertEquals(error.path, blobPlace(store, name).path);
        assertStringIncludes(error.message, `Cannot open "${name}" in "${store.label}"`);
        assertEquals(assertThrows(() => store.openSync?.(name), NotFoundError).message, error.message);
      }
    }));

  Deno.test(`${kind}: every operation refuses a bad name`, () =>
    withStore(async (store) => {
      for (const name of ["", "..", "../x", "a/b/c", "a\\b", "a\0", "/etc/passwd", ".cairn.lock"]) {
        await assertRejects(() => store.open(name), StoreError, "blob name");
        assertThrows(() => store.openSync?.(name), StoreError, "blob name");
        if (name !== "") await assertRejects(() => store.list(name), StoreError, "blob name");
        if (!store.writable) continue;
        await assertRejects(() => publishText(store, name, ""), StoreError, "blob name");
        await assertRejects(() => store.remove(name), StoreError, "blob name");
        await assertRejects(() => store.link(name, "x"), StoreError, "blob name");
        await assertRejects(() => store.link("a.json", name), StoreError, "blob name");
      }
      await assertRejects(() => store.list(""), StoreError, "blob name");
    }));
}

for (const [kind, withStore] of READ_ONLY) {
  Deno.test(`${kind}: every operation that would change something is refused by the store itself`, () =>
    withStore(async (store) => {
      assertEquals(store.writable, false);
      const changes = [
        () => publishText(store, "new", "x"),
        () => store.link("a.json", "backup/new"),
        () => store.remove("a.json"),
        () => store.lock(),
      ];
      for (const change of changes) {
        const error = await assertRejects(change, PermissionError, "read-only");
        assert(!error.message.includes("--allow"), error.message);
      }
      assertEquals((await store.list()).length, 5);
      assertEquals((await store.list("backup")).length, 1);
    }));
}

for (const [kind, withStore] of WRITABLE) {
  Deno.test(`${kind}: publish() appends every write in order, waited for or not`, () =>
    withStore(async (store) => {
      assertEquals(store.writable, true);
      await store.publish("parts", async (sink) => {
        const buffer = new Uint8Array(2);
        for (const byte of [1, 2, 3]) {
          buffer.fill(byte);
          await sink.write(buffer);
        }
        for (const byte of [4, 5, 6]) void sink.write(Uint8Array.of(byte));
        await sink.write(new Uint8Array());
      });
      assertEquals([...await contentOf(store, "parts")], [1, 1, 2, 2, 3, 3, 4, 5, 6]);
    }));

  Deno.test(`${kind}: publish() shows nothing before the end`, () =>
    withStore(async (store) => {
      const before = await store.list();
      await store.publish("a.json", async (sink) => {
        await sink.write(new TextEncoder().encode("new"));
        assertEquals(await store.list(), before);
        assertEquals(await textOf(store, "a.json"), "{}");
      });
      assertEquals(await textOf(store, "a.json"), "new");
    }));

  Deno.test(`${kind}: publish() leaves things as they were when its writer throws, and throws that`, () =>
    withStore(async (store) => {
      const before = await store.list();
      const problem = new Deno.errors.NotFound("the writer's own");
      for (const name of ["a.json", "new", "folder/new"]) {
        const error = await assertRejects(() =>
          store.publish(name, async (sink) => {
            await sink.write(new Uint8Array(10));
            throw problem;
          })
        );
        assertEquals(error, problem);
      }
      assertEquals(await store.list(), before);
      assertEquals(await store.list("folder"), []);
      assertEquals(await textOf(store, "a.json"), "{}");
    }));

  Deno.test(`${kind}: a sink refuses writes after its publish is over`, () =>
    withStore(async (store) => {
      let late: (() => Promise<void>) | undefined;
      await store.publish("early", (sink) => {
        late = () => sink.write(Uint8Array.of(1));
        return Promise.resolve();
      });
      await assertRejects(() => late?.() ?? Promise.resolve(), StoreError, "over");
      assertEquals((await contentOf(store, "early")).length, 0);
    }));

  Deno.test(`${kind}: an open handle keeps its bytes when the blob is replaced and removed`, () =>
    withStore(async (store) => {
      await publishText(store, "b", "first");
      const handle = await store.open("b");
      const read = async () => {
        const bytes = new Uint8Array(handle.size);
        assertEquals(await handle.read(bytes, 0), 5);
        return new TextDecoder().decode(bytes);
      };
      await publishText(store, "b", "second!");
      assertEquals(await textOf(store, "b"), "second!");
      assertEquals(await read(), "first");
      await store.remove("b");
      assertEquals(await read(), "first");
      await assertRejects(() => store.open("b"), NotFoundError);
      handle.close();
    }));

  Deno.test(`${kind}: link() makes a second name that outlives the first, and can be repeated`, () =>
    withStore(async (store) => {
      for (const _ of [1, 2]) await store.link("b.bin", "new/b.bin");
      assertEquals(await store.list("new"), [{ name: "b.bin", size: 1000 }]);
      await publishText(store, "b.bin", "replaced");
      assertEquals(await contentOf(store, "new/b.bin"), BLOBS.get("b.bin"));
      await store.link("b.bin", "new/b.bin");
      assertEquals(await textOf(store, "new/b.bin"), "replaced");
      await store.remove("b.bin");
      assertEquals(await textOf(store, "new/b.bin"), "replaced");
      await assertRejects(() => store.link("b.bin", "new/c"), NotFoundError);
      assertEquals(await store.list("new"), [{ name: "b.bin", size: 8 }]);
      await store.link("a.json", "a.json");
      assertEquals(await textOf(store, "a.json"), "{}");
    }));

  Deno.test(`${kind}: remove() removes one blob, and a missing one is no error`, () =>
    withStore(async (store) => {
      await store.remove("backup/a.json");
      assertEquals(await store.list("backup"), []);
      assertEquals(await textOf(store, "a.json"), "{}");
      for (const name of ["backup/a.json", "missing", "nothing/missing"]) await store.remove(name);
      assertEquals((await store.list()).length, 5);
    }));

  Deno.test(`${kind}: lock() is exclusive until it is released, once`, () =>
    withStore(async (store) => {
      const before = await store.list();
      const first = await store.lock();
      const error = await assertRejects(() => store.lock(), LockedError, store.label);
      assertInstanceOf(error, LockedError);
      first.release();
      const second = await store.lock();
      first.release();
      await assertRejects(() => store.lock(), LockedError);
      second.release();
      assertEquals(await store.list(), before);
    }));
}

Deno.test("EmbeddedStore() refuses a map with a bad name", () => {
  assertEquals(new EmbeddedStore(new Map()).label, "embedded");
  let caught: unknown;
  try {
    new EmbeddedStore(new Map([["../x", new Uint8Array()]]));
  } catch (error) {
    caught = error;
  }
  assertInstanceOf(caught, StoreError);
});
