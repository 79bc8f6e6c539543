import { parseBaseName } from "../format/mod.ts";
import type { Store } from "../store/mod.ts";

/** The folder of pins: an entry with a checkpoint's base name keeps that one. GoMLX looks into no folder. */
export const PINS_DIR = "pins";

const TEXT = new TextEncoder().encode("Cairn keeps this checkpoint: retention never removes it.\n");

/** Base names that are pinned, whether there is such a checkpoint or not. */
export async function listPins(store: Store): Promise<ReadonlySet<string>> {
  const names = (await store.list(PINS_DIR)).map(({ name }) => name);
  return new Set(names.filter((name) => parseBaseName(name) !== undefined));
}

/** The entry that pins a checkpoint. */
export function pinFile(base: string): string {
  return `${PINS_DIR}/${base}`;
}

/** Pins a checkpoint, durably. Pinning twice is harmless. */
export async function addPin(store: Store, base: string): Promise<void> {
  await store.publish(pinFile(base), (sink) => sink.write(TEXT));
}

/** Takes the pin away, durably; none is not an error. */
export async function removePin(store: Store, base: string): Promise<void> {
  await store.remove(pinFile(base));
}
