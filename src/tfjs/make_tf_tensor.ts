import { ConfigError } from "../errors.ts";
import type { Tensor } from "../tensor/mod.ts";
import type { TfTensor } from "./tfjs_types.ts";

/**
 * Makes a tensor of tfjs out of a copy of a host tensor: some backends keep the memory that they are given. Nobody hands over tfjs itself, so that one line
 * is enough for a model; but every tensor of tfjs can make a buffer of its dtype and shape, and a buffer a tensor: `like`
 * lends its method, and is neither read nor changed.
 */
export function makeTfTensor(like: TfTensor, values: Tensor): TfTensor {
  const { dtype, shape, bufferSync } = like;
  const made = Reflect.apply(bufferSync, { dtype, shape, dataSync: () => values.data().slice() }, []).toTensor();
  if (made.dtype === dtype && made.shape.join() === shape.join()) return made;
  made.dispose();
  throw new ConfigError(
    `Cannot make a tfjs tensor: got ${made.dtype} [${made.shape}], wanted ${dtype} [${shape}]; this version of tfjs is ` +
      "not known, 4.22.0 is",
  );
}
