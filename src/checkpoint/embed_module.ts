import { BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { ConfigError, visible } from "../errors.ts";
import { LocalStore } from "../store/mod.ts";
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { Checkpoint } from "./checkpoint.ts";
import { readManifestBytes } from "./directory.ts";

/** Bytes per chunk of base64: a multiple of 3, so that the chunks' texts join without padding. */
const CHUNK_BYTES = 3 * 1024 * 1024;

/** Does what the exported `writeEmbedModule` (on_demand.ts) promises. */
export async function writeEmbedModule(checkpoint: Checkpoint, path: string): Promise<void> {
  if (!(checkpoint instanceof Checkpoint)) {
    throw new ConfigError('Cannot write a module: wanted a Checkpoint, such as await openCheckpoint("run")');
  }
  if (typeof path !== "string" || path === "") {
    throw new ConfigError(`Cannot write a module to "${path}": wanted the path of a file, such as "model.ts"`);
  }
  const { store, baseName } = checkpoint;
  const json = new TextDecoder().decode(await readManifestBytes(store, baseName + JSON_NAME_SUFFIX));
  const bin = await store.open(baseName + BIN_DATA_SUFFIX);
  try {
    await new LocalStore(dirname(path)).publish(basename(path), async (sink) => {
      const write = (text: string): Promise<void> => sink.write(new TextEncoder().encode(text));
      await write(`// Made by writeEmbedModule() from checkpoint ${visible(baseName)}.\n`);
      await write("// deno-fmt-ignore-file\n// deno-lint-ignore-file\n\n");
      await write(`/** The manifest. */\nexport const json: string = ${JSON.stringify(json)};\n\n`);
      await write(`/** The payload. */\nexport const bin: Uint8Array = Uint8Array.fromBase64("`);
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bin.size));
      for (let at = 0; at < bin.size; at += chunk.length) {
        await write(chunk.subarray(0, await bin.read(chunk, at)).toBase64());
      }
      await write(`");\n`);
    });
  } finally {
    bin.close();
  }
}
