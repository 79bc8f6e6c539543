import type { OnWarning } from "../errors.ts";

/** Milliseconds in which a signal that was raised again is taken for the echo of it. */
const ECHO_MILLISECONDS = 1000;

/** The saves of this process that are in flight. */
const inFlight = new Set<Promise<void>>();
let listeners: ReadonlyMap<Deno.Signal, () => void> | undefined;
/** The signal that is held back. */
let held: Deno.Signal | undefined;
let echo: { readonly signal: Deno.Signal; readonly until: number } | undefined;

/** Those who end the process themselves at a signal. By a global symbol, since two copies may be loaded. */
const CLAIMS = Symbol.for("@cairn/checkpoints: signal claims, version 1");

/**
 * Begins a save and waits for it, and holds SIGINT and SIGTERM back until it is over: then the signal is raised again, and does what
 * it would have done. A second one is not held back. The listeners exist only while a save is in flight. Needs no
 * permission.
 */
export async function finishOnSignal<T>(save: () => Promise<T>, onWarning: OnWarning): Promise<T> {
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  inFlight.add(settled);
  // Before it begins: to copy gigabytes takes a while.
  listen(onWarning);
  try {
    return await save();
  } finally {
    resolve();
    inFlight.delete(settled);
    if (inFlight.size === 0) ignore();
  }
}

/** Whether a signal is held back: what waits to be saved is the last that will be. */
export function isSignalHeld(): boolean {
  return held !== undefined;
}

/**
 * Says that the caller ends the process in good order at the next signal, so that it must not be raised again after a
 * save. Returns what to call when it has come.
 */
export function claimSignals(): () => void {
  const claim = {};
  claims().add(claim);
  // All listeners of this signal see the claim.
  return () => void setTimeout(() => claims().delete(claim), 0);
}

function listen(onWarning: OnWarning): void {
  // Other runtimes than Deno have no such listeners.
  if (listeners !== undefined || typeof globalThis.Deno?.addSignalListener !== "function") return;
  // Windows has no SIGTERM.
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  listeners = new Map(signals.map((signal) => [signal, () => void receive(signal, onWarning)]));
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
}

function ignore(): void {
  for (const [signal, listener] of listeners ?? []) Deno.removeSignalListener(signal, listener);
  listeners = undefined;
}

async function receive(signal: Deno.Signal, onWarning: OnWarning): Promise<void> {
  const isEcho = echo?.signal === signal && performance.now() < echo.until;
  echo = undefined;
  if (isEcho) return;
  if (held !== undefined) return raise(signal);
  held = signal;
  const isClaimed = claims().size > 0;
  if (!isClaimed) onWarning(`${signal}: finishing the save that is in flight; once more ends it at once`);
  // Saves that begin from now on are not waited for.
  await Promise.all(inFlight);
  // A second one may have come first.
  if (held === undefined) return;
  held = undefined;
  if (!isClaimed) raise(signal);
}

/** Does what the signal would have done without us; listeners of others are called. */
function raise(signal: Deno.Signal): void {
  held = undefined;
  ignore();
  echo = { signal, until: performance.now() + ECHO_MILLISECONDS };
  Deno.kill(Deno.pid, signal);
  // Deno handles it in another thread: a program that has nothing left to do must not end as if nothing had been.
  setTimeout(() => {}, ECHO_MILLISECONDS);
}

function claims(): Set<object> {
  const known: unknown = Reflect.get(globalThis, CLAIMS);
  if (known instanceof Set) return known;
  const made = new Set<object>();
  Reflect.set(globalThis, CLAIMS, made);
  return made;
}
