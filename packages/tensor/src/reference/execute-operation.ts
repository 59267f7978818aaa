import { UnsupportedError } from "../errors/errors.ts";
import type { Operation } from "../operations.ts";
import { attention } from "./attention.ts";
import { activation, combine, scale } from "./elementwise.ts";
import { embedding, gather } from "./embedding.ts";
import { experts, route } from "./experts.ts";
import { linear } from "./linear.ts";
import { layerNorm, rmsNorm } from "./norms.ts";
import type { ProgramMemory } from "./program-memory.ts";
import { rotary } from "./rotary.ts";
import { sample } from "./sample.ts";
import type { Steps } from "./steps.ts";
import { store } from "./store.ts";

/** Runs one operation in steps. */
export function executeOperation(operation: Operation, memory: ProgramMemory): Steps {
  switch (operation.kind) {
    case "embedding":
      return embedding(operation, memory);
    case "gather":
      return gather(operation, memory);
    case "reshape":
      return nothing();
    case "linear":
      return linear(operation, memory);
    case "rms-norm":
      return rmsNorm(operation, memory);
    case "layer-norm":
      return layerNorm(operation, memory);
    case "rotary":
      return rotary(operation, memory);
    case "activation":
      return activation(operation, memory);
    case "add":
    case "multiply":
      return combine(operation, memory);
    case "scale":
      return scale(operation, memory);
    case "attention":
      return attention(operation, memory);
    case "store":
      return store(operation, memory);
    case "route":
      return route(operation, memory);
    case "experts":
      return experts(operation, memory);
    case "sample":
      return sample(operation, memory);
    case "swiglu":
      throw new UnsupportedError({ feature: `operation ${operation.kind} without lowering` });
  }
}

/** A reshape moves nothing: both tensors share their memory. */
function* nothing(): Steps {}
