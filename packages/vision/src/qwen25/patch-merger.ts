import type { WeightNaming } from "@polywen/core";
import { stackRows, type Connector } from "@polywen/cross-modal";
import type { Qwen25VisionConfig } from "./qwen25-vision-config.ts";

/** Qwen2.5-VL's merger as a connector: norm, then the features of one square of patches side by side through two linear layers. */
export function patchMerger(config: Qwen25VisionConfig, naming: WeightNaming): Connector {
  const stack = config.mergeSize ** 2;
  const hidden = config.width * stack;
  return {
    stack,
    naming,
    build(builder, features, hiddenSize) {
      const weight = (name: string, shape: readonly number[]) => builder.weight(`visual.merger.${name}`, shape);
      const normed = builder.rmsNorm(features, weight("ln_q.weight", [config.width]), 1e-6);
      const squares = stackRows(builder, normed, stack);
      const first = builder.linear(squares, weight("mlp.0.weight", [hidden, hidden]), weight("mlp.0.bias", [hidden]));
      const activated = builder.activation("gelu", first);
      return builder.linear(activated, weight("mlp.2.weight", [hiddenSize, hidden]), weight("mlp.2.bias", [hiddenSize]));
    },
  };
}
