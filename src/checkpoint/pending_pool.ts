import { type Context, isInScope, type LoadedList, type LoadedValue, type Loader } from "../context/mod.ts";
import type { Entry } from "../format/mod.ts";
import type { PayloadReader } from "./payload_reader.ts";
import { listedValues, type PendingValues } from "./pending_values.ts";
import { type Pending, type Snapshot, variableKey } from "./snapshot.ts";
import { StoredValue } from "./stored_value.ts";

const NOTHING = listedValues([]);

/**
 * The loaded entries of a Handler that the Context has not asked for yet, and the files that unread values come from:
 * a file stays open as long as any value is still in it.
 *
 * Source: GoMLX `checkpoints.Handler`'s `variableValues`.
 */
export class PendingPool implements Loader {
  /** Snapshots that wait for their turn to be written: their files stay open. */
  readonly queued = new Set<Snapshot>();
  readonly #context: Context;
  /** What the last load has found; the keys of what is no longer pending of it, until all of it was asked for. */
  #found: PendingValues = NOTHING;
  readonly #gone = new Set<string>();
  /** What is pending by {@linkcode variableKey}, once all of it was asked for. */
  #listed: Map<string, Pending> | undefined;
  readonly #readers = new Set<PayloadReader>();
  /** Values that left the pool: a clone of the Context or another Handler's save may hold them, which nobody sees. */
  readonly #given = new Set<WeakRef<StoredValue>>();
  #lastReader: PayloadReader | undefined;
  #previous: Loader | undefined;
  #hasLoaded = false;
  readonly #isPartial: boolean;

  constructor(context: Context, isPartial = false) {
    this.#context = context;
    this.#isPartial = isPartial;
  }

  /** From now on `previous` is asked first. */
  chain(previous: Loader | undefined): void {
    this.#previous = previous;
  }

  /** What is pending, in file order. */
  values(): Pending[] {
    return [...this.#list().values()];
  }

  #list(): Map<string, Pending> {
    if (this.#listed !== undefined) return this.#listed;
    const rest = this.#found.all().map((each) => [variableKey(each), each] as const);
    this.#listed = new Map(rest.filter(([key]) => !this.#gone.has(key)));
    // It holds all of them, also those that leave.
    this.#found = NOTHING;
    return this.#listed;
  }

  /** Replaces what is pending by values of another file; none, if all of it is in the Context. */
  replace(found: PendingValues | undefined, reader: PayloadReader): void {
    this.#readers.add(reader);
    this.#hasLoaded = true;
    this.#found = found ?? NOTHING;
    this.#gone.clear();
    this.#listed = undefined;
    this.#lastReader = reader;
    if (this.#found.isListed) this.#list();
  }

  /** The value if it is pending, which it is no longer then: it is in the Context now. */
  give(variable: { readonly scope: string; readonly name: string }): StoredValue | undefined {
    const key = variableKey(variable);
    const value = this.#find(key, variable)?.value;
    if (value === undefined) return undefined;
    if (value.reader !== undefined) this.#given.add(new WeakRef(value));
    this.#forget(key);
    return value;
  }

  loadVariable(context: Context, scope: string, name: string): LoadedValue | undefined {
    return this.loadEarlier(context, scope, name) ?? this.give({ scope, name });
  }

  /** The value if it is pending in an earlier Handler, which it is no longer then. */
  loadEarlier(context: Context, scope: string, name: string): LoadedValue | undefined {
    return this.#previous?.loadVariable(context, scope, name);
  }

  listLoaded(): LoadedList | undefined {
    const previous = this.#previous?.listLoaded?.();
    if (!this.#hasLoaded) return previous;
    const own = { entries: this.values(), isPartial: this.#isPartial };
    if (previous === undefined) return own;
    return {
      entries: [...previous.entries, ...own.entries],
      isPartial: previous.isPartial || own.isPartial,
    };
  }

  /** What is pending elsewhere: other Handlers of the Context have loaded it, and a save of this one does not know it. */
  elsewhere(): readonly { readonly scope: string; readonly name: string }[] {
    const all = this.#context.loader?.listLoaded?.()?.entries ?? [];
    const own = this.#list();
    if (all.length === own.size) return [];
    return all.filter((each) =>
      !own.has(variableKey(each)) && this.#context.inspectVariableIfLoaded(each.scope, each.name) === undefined
    );
  }

  deleteVariable(context: Context, scope: string, name: string): void {
    this.#previous?.deleteVariable(context, scope, name);
    this.#settle({ scope, name });
  }

  deleteVariablesInScope(context: Context, scope: string): void {
    this.#previous?.deleteVariablesInScope(context, scope);
    for (const each of this.values()) if (isInScope(each.scope, scope)) this.#settle(each);
  }

  /** The values, pending or in the Context, whose bytes may still be in a file. */
  stored(): Pending[] {
    return [...this.values(), ...this.#registered()];
  }

  #registered(): Pending[] {
    return Array.from(this.#context.iterVariables()).flatMap(({ scope, name, source }) =>
      source instanceof StoredValue ? [{ scope, name, value: source }] : []
    );
  }

  /** Whether the bytes of `value` are still in a file of this Handler. */
  isUnread(value: unknown): value is StoredValue {
    return value instanceof StoredValue && value.reader !== undefined && this.#readers.has(value.reader);
  }

  /** What a save has copied is read from its file from now on, so that the old one may go. */
  moveTo(reader: PayloadReader, entries: ReadonlyMap<string, Entry>, snapshot: Snapshot): void {
    this.#readers.add(reader);
    for (const item of snapshot.entries) {
      const entry = entries.get(variableKey(item));
      if (entry === undefined) continue;
      // A save in the background has a value of its own.
      for (const value of new Set([item.value, item.origin])) {
        if (this.isUnread(value)) value.moveTo(reader, entry);
      }
    }
  }

  /** Closes the files that nobody needs: neither the Context, nor what is pending, nor a waiting save, nor a clone. */
  closeUnused(): void {
    const used = new Set<unknown>();
    const use = (value: unknown): unknown => value instanceof StoredValue && used.add(value.reader);
    for (const snapshot of this.queued) snapshot.entries.forEach((item) => use(item.value));
    for (const { source } of this.#context.iterVariables()) use(source);
    for (const { value } of this.#listed?.values() ?? []) use(value);
    if (this.#listed === undefined && this.#gone.size < this.#found.count) used.add(this.#lastReader);
    for (const each of this.#given) {
      const reader = each.deref()?.reader;
      if (reader === undefined) this.#given.delete(each);
      else used.add(reader);
    }
    for (const reader of this.#readers) {
      if (used.has(reader)) continue;
      reader.close();
      this.#readers.delete(reader);
    }
  }

  /** Closes all files. */
  close(): void {
    this.#readers.forEach((reader) => reader.close());
    this.#readers.clear();
  }

  #find(key: string, variable: { readonly scope: string; readonly name: string }): Pending | undefined {
    if (this.#listed !== undefined) return this.#listed.get(key);
    return this.#gone.has(key) ? undefined : this.#found.find(variable.scope, variable.name);
  }

  #settle(variable: { readonly scope: string; readonly name: string }): void {
    const key = variableKey(variable);
    if (this.#find(key, variable) !== undefined) this.#forget(key);
  }

  #forget(key: string): void {
    if (this.#listed === undefined) this.#gone.add(key);
    else this.#listed.delete(key);
  }
}
