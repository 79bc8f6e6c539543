import { BASE, type HostileCase, pairCase, writePair } from "./hostile_case.ts";
import { goodPayload, manifestText } from "./manifest_text.ts";
import { join } from "@std/path";

const GOOD = goodPayload();
const TEXT = manifestText();
const JSON_FILE = `${BASE}.json`;
const BIN_FILE = `${BASE}.bin`;
const LOADS = { "/global_step": "(Int64) 0700000000000000" };

/** What lies in the directory is no plain pair of files. */
export function fileCases(): HostileCase[] {
  return [...linkCases(), ...kindCases(), ...namedFileCases()];
}

function linkCases(): HostileCase[] {
  const linked = (
    name: string,
    expect: HostileCase["expect"],
    links: Readonly<Record<string, string>>,
  ): HostileCase => ({
    name,
    expect,
    ...(expect === "loads" ? { values: LOADS } : {}),
    async make(directory): Promise<void> {
      // Beside the directory lies a good pair that must stay out of reach.
      const outside = `${directory}-outside`;
      await Deno.mkdir(outside);
      await writePair(outside, TEXT, GOOD);
      await Deno.mkdir(join(directory, "inside"));
      await writePair(join(directory, "inside"), TEXT, GOOD);
      await writePair(directory, TEXT, GOOD);
      for (const [path, target] of Object.entries(links)) {
        await Deno.remove(join(directory, path)).catch(() => {});
        await Deno.symlink(target.replace("OUTSIDE", outside), join(directory, path));
      }
    },
  });
  return [
    linked(".bin is a symlink out of the directory", ["permission"], { [BIN_FILE]: `OUTSIDE/${BIN_FILE}` }),
    linked(".json is a symlink out of the directory", ["permission"], { [JSON_FILE]: `OUTSIDE/${JSON_FILE}` }),
    linked("both are symlinks upwards", ["permission"], {
      [BIN_FILE]: "../x/../x",
      [JSON_FILE]: "../../../../../../etc/passwd",
    }),
    linked("a symlink through a folder that is a symlink out", ["permission"], {
      folder: "OUTSIDE",
      [BIN_FILE]: `folder/${BIN_FILE}`,
    }),
    linked(".bin is /dev/zero", ["permission"], { [BIN_FILE]: "/dev/zero" }),
    linked(".json is /dev/zero", ["permission"], { [JSON_FILE]: "/dev/zero" }),
    linked(".json is /proc/self/mem", ["permission"], { [JSON_FILE]: "/proc/self/mem" }),
    linked(".bin is a symlink to itself", ["store", "not-found"], { [BIN_FILE]: BIN_FILE }),
    linked(".json is a symlink to itself", ["store", "not-found"], { [JSON_FILE]: JSON_FILE }),
    linked(".bin is a symlink to nothing", ["not-found"], { [BIN_FILE]: "nothing" }),
    linked("both are symlinks within the directory", "loads", {
      [BIN_FILE]: `inside/${BIN_FILE}`,
      [JSON_FILE]: `inside/${JSON_FILE}`,
    }),
    linked("a foreign file is a symlink to itself", "loads", { "notes.txt": "notes.txt" }),
    linked("a foreign file is a symlink to nothing", "loads", { "notes.txt": "nothing" }),
  ];
}

function kindCases(): HostileCase[] {
  const odd = (
    name: string,
    expect: HostileCase["expect"],
    make: (directory: string) => Promise<void>,
    more: Partial<HostileCase> = {},
  ): HostileCase => ({ name, expect, make, ...more });
  return [
    odd("an empty directory", ["not-found"], () => Promise.resolve()),
    odd("no directory", ["not-found"], (directory) => Deno.remove(directory)),
    odd("a file for the directory", ["store", "not-found"], async (directory) => {
      await Deno.remove(directory);
      await Deno.writeFile(directory, GOOD);
    }),
    odd("a .json without .bin", ["not-found"], (directory) => Deno.writeTextFile(join(directory, JSON_FILE), TEXT)),
    odd("a .bin without .json", ["not-found"], (directory) => Deno.writeFile(join(directory, BIN_FILE), GOOD)),
    odd(".json is a directory", ["not-found"], async (directory) => {
      await Deno.mkdir(join(directory, JSON_FILE));
      await Deno.writeFile(join(directory, BIN_FILE), GOOD);
    }),
    odd(".bin is a directory", ["store"], async (directory) => {
      await Deno.writeTextFile(join(directory, JSON_FILE), TEXT);
      await Deno.mkdir(join(directory, BIN_FILE));
    }),
    odd(".json is a FIFO", ["not-found"], async (directory) => {
      await makeFifo(join(directory, JSON_FILE));
      await Deno.writeFile(join(directory, BIN_FILE), GOOD);
    }),
    odd(".bin is a FIFO", ["store"], async (directory) => {
      await Deno.writeTextFile(join(directory, JSON_FILE), TEXT);
      await makeFifo(join(directory, BIN_FILE));
    }),
    odd("a FIFO by its path", ["store"], (directory) => makeFifo(join(directory, JSON_FILE)), {
      target: JSON_FILE,
      ways: ["readAll", "open"],
    }),
    odd(".bin is a symlink to a FIFO", ["store"], async (directory) => {
      await Deno.writeTextFile(join(directory, JSON_FILE), TEXT);
      await makeFifo(join(directory, "pipe"));
      await Deno.symlink("pipe", join(directory, BIN_FILE));
    }),
    odd("2000 foreign files", "loads", async (directory) => {
      await writePair(directory, TEXT, GOOD);
      for (let index = 0; index < 2000; index++) {
        Deno.writeFileSync(join(directory, `checkpoint-${index}.json`), new Uint8Array(0));
      }
    }, { values: LOADS }),
  ];
}

/** Names of files that are nearly those of checkpoints, or more than a terminal should see. */
function namedFileCases(): HostileCase[] {
  const foreign = [
    "checkpoint-zzz",
    "checkpoint-n9999999-20240102-030405-step-99999999x",
    "checkpoint-n9999999-20240102-030405-step-00000000",
    "checkpoint-n9999999-20241302-030405-initial",
    "checkpoint-n９９９９９９９-20240102-030405-initial",
    "checkpoint-n9999999-20240102-030405-initial\n",
    "checkpoint-n9999999-20240102-030405-\x1b[31m",
    " checkpoint-n9999999-20240102-030405-initial",
    `checkpoint-n${"9".repeat(41)}-20240102-030405-initial`,
  ];
  return [
    ...foreign.map((base): HostileCase => ({
      name: `foreign file ${JSON.stringify(base.slice(0, 50))}.json`,
      expect: "loads",
      values: LOADS,
      async make(directory): Promise<void> {
        await writePair(directory, TEXT, GOOD);
        await Deno.writeTextFile(join(directory, `${base}.json`), "not a checkpoint");
      },
    })),
    {
      name: "a checkpoint whose file name holds a terminal's escapes",
      expect: "loads",
      target: "\x1b[2J\n\u202eevil.json",
      ways: ["readAll", "open"],
      async make(directory): Promise<void> {
        await Deno.writeTextFile(join(directory, "\x1b[2J\n\u202eevil.json"), TEXT);
        await Deno.writeFile(join(directory, "\x1b[2J\n\u202eevil.bin"), GOOD);
      },
    },
    {
      name: "a directory whose name holds a terminal's escapes",
      expect: "loads",
      target: "\x1b[2J\u202erun",
      async make(directory): Promise<void> {
        await Deno.mkdir(join(directory, "\x1b[2J\u202erun"));
        await writePair(join(directory, "\x1b[2J\u202erun"), TEXT, GOOD);
      },
    },
    pairCase({ name: "a good pair", expect: "loads", values: LOADS }, TEXT, GOOD),
  ];
}

async function makeFifo(path: string): Promise<void> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  if (!success) throw new Error(`mkfifo ${path} failed`);
}
