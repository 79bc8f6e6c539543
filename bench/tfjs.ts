import * as tf from "npm:@tensorflow/tfjs-core@4.22.0";
import "npm:@tensorflow/tfjs-backend-cpu@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { type Backend, tfjsBackend } from "../mod.ts";

/** Starts tfjs with its backend `cpu` or `wasm`. */
export async function start(name: string): Promise<Backend> {
  tf.env().set("IS_TEST", true); // no advertisement for tfjs-node
  if (!await tf.setBackend(name)) throw new Error(`tfjs has no backend "${name}"`);
  await tf.ready();
  return tfjsBackend(tf);
}
