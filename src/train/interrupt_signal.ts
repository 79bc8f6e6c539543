import { claimSignals } from "../checkpoint/signal_guard.ts";
import { checkOptions, type OptionNames } from "../options.ts";

/** Options of {@linkcode interruptSignal}. */
export interface InterruptOptions {
  /**
   * Told at the first interruption. Default: a line on stderr says that the run stops in good order, and that the next
   * Ctrl-C stops it at once.
   */
  readonly onInterrupt?: ((signal: Deno.Signal) => void) | undefined;
}

const INTERRUPT_OPTIONS: OptionNames<InterruptOptions> = { onInterrupt: "function" };

/**
 * An AbortSignal for Ctrl-C (SIGINT) and for being asked to go (SIGTERM):
 * `loop.runToEpoch(dataset, 5, { signal: interruptSignal() })` finishes the step that is under way, saves a checkpoint if
 * a Handler's `onStepFn` is a hook, and throws an `AbortError`. The second Ctrl-C ends the process at once (a save that
 * has begun since is finished, unless there is a third): then the run goes on from the checkpoint before. Needs no
 * permission.
 *
 * @example
 * ```ts
 * import { Context } from "@cairn/checkpoints";
 * import { interruptSignal, Loop } from "@cairn/checkpoints/train";
 *
 * const loop = new Loop({ context: new Context(), trainStep: () => 0.5 });
 * await loop.runToGlobalStep(new Array(10).fill("batch"), 10, { signal: interruptSignal() });
 * ```
 */
export function interruptSignal(options: InterruptOptions = {}): AbortSignal {
  checkOptions("interruptSignal()", options, INTERRUPT_OPTIONS);
  const { onInterrupt = sayThatItStops } = options;
  const controller = new AbortController();
  const release = claimSignals();
  const listeners = SIGNALS.map((signal) => ({
    signal,
    listener: () => {
      // Gone before anything else: the second one has the system's default effect.
      for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
      release();
      controller.abort(new DOMException(`Interrupted by ${signal}`, "AbortError"));
      onInterrupt(signal);
    },
  }));
  for (const { signal, listener } of listeners) Deno.addSignalListener(signal, listener);
  return controller.signal;
}

/** Windows has no SIGTERM. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

function sayThatItStops(signal: Deno.Signal): void {
  console.error(`\n${signal}: stopping after this step. Press Ctrl-C to stop at once.`);
}
