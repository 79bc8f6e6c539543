import { ConfigError } from "../errors.ts";
import { BACKUP_DIR, BIN_DATA_SUFFIX, JSON_NAME_SUFFIX } from "../format/mod.ts";
import { listCheckpoints } from "./directory.ts";
import { dirOf, type HandlerSettings } from "./handler_settings.ts";

/** Links (or copies) the newest checkpoint into the folder `backup`, and returns its base name. */
export async function backUpNewest(settings: HandlerSettings): Promise<string> {
  const newest = await expectNewest(settings);
  for (const suffix of [BIN_DATA_SUFFIX, JSON_NAME_SUFFIX]) {
    await settings.store.link(newest + suffix, `${BACKUP_DIR}/${newest}${suffix}`);
  }
  return newest;
}

/** The newest checkpoint's base name; throws a ConfigError if there is nothing to back up. */
export async function expectNewest(settings: HandlerSettings): Promise<string> {
  const newest = settings.embedded ? undefined : (await listCheckpoints(settings.store)).checkpoints.at(-1)?.base;
  if (newest !== undefined) return newest;
  const path = dirOf(settings);
  throw new ConfigError(`Cannot back up "${path}": there is no checkpoint yet; call save() first`, { path });
}
