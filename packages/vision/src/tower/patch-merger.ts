import { stackRows } from "@polywen/cross-modal";
import type { ProgramBuilder, TensorSpec } from "@polywen/tensor";
import { dense } from "./tower-parts.ts";
import type { VisionConfig } from "./vision-config.ts";
import type { VisionTower } from "./vision-tower.ts";

/** The merger of Qwen2-VL and Qwen2.5-VL: norm, then the features of one square of patches side by side through two linear layers. */
export function patchMerger(config: VisionConfig, norm: (builder: ProgramBuilder, input: TensorSpec, name: string) => TensorSpec): VisionTower["merger"] {
  const stack = config.mergeSize ** 2;
  return {
    stack,
    build(builder, features, hiddenSize) {
      const squares = stackRows(builder, norm(builder, features, "visual.merger.ln_q"), stack);
      const first = dense(builder, squares, "visual.merger.mlp.0", config.width * stack);
      return dense(builder, builder.activation("gelu", first), "visual.merger.mlp.2", hiddenSize);
    },
  };
}
