import { LocalStore, type Store } from "../store/mod.ts";
import { expectStore } from "./directory.ts";
import { Handler, placeOf } from "./handler.ts";

/** Where checkpoints are: a directory, a Store, or what a Handler is attached to. */
export type CheckpointsPlace = string | Store | Handler;

/** The store of a place; one of a directory is opened for reading. */
export function storeOf(place: CheckpointsPlace): Store {
  if (typeof place === "string") return new LocalStore(place, { write: false });
  return place instanceof Handler ? placeOf(place).store : expectStore(place);
}
