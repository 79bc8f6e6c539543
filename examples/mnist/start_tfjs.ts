import { type Backend, CheckpointError, tfjsBackend } from "@cairn/checkpoints";
import { tfjsNodeBackend } from "@cairn/checkpoints/tfjs-node";
import * as tf from "npm:@tensorflow/tfjs@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";

/** What tfjs can compute with here. */
export const CHOICES = ["auto", "node", "wasm", "cpu"] as const;
/** One of {@linkcode CHOICES}. */
export type Choice = typeof CHOICES[number];

/**
 * Starts tfjs: on tfjs-node where its native library is (`deno task setup` in a checkout), else on WebAssembly, else on
 * plain JavaScript. Returns what takes means of checkpoints on the same.
 */
export async function startTfjs(choice: Choice): Promise<Backend> {
  if (choice === "auto" || choice === "node") {
    try {
      const backend = await tfjsNodeBackend(); // registers the backend "tensorflow"
      await tf.setBackend("tensorflow");
      return backend;
    } catch (error) {
      if (choice === "node" || !(error instanceof CheckpointError)) throw error;
    }
  }
  if (choice === "cpu" || !await tf.setBackend("wasm").catch(() => false)) await tf.setBackend("cpu");
  return tfjsBackend(tf);
}
