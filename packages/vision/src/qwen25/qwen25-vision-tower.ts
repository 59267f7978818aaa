import type { ProgramBuilder, TensorSpec } from "@polywen/tensor";
import { patchMerger } from "../tower/patch-merger.ts";
import { declarePatches, dense, patchAttention, rmsNorm, rotaryWeights } from "../tower/tower-parts.ts";
import type { VisionTower } from "../tower/vision-tower.ts";
import { windowOrder } from "../tower/window-order.ts";
import type { Qwen25VisionConfig } from "./qwen25-vision-config.ts";

/** The vision tower of Qwen2.5-VL and Qwen2.5-Omni: RMS norms, gated MLPs, attention inside windows in most layers. */
export function qwen25VisionTower(config: Qwen25VisionConfig): VisionTower<Qwen25VisionConfig> {
  const windowUnits = Math.floor(config.windowSize / config.mergeSize / config.patchSize);
  return {
    config,
    levels: 1,
    gridInputs: (grid) => ({ ...windowOrder(grid, config.mergeSize, windowUnits) }),
    merger: patchMerger(config, rmsNorm),
    derived: rotaryWeights(config),
    build(builder, capacities) {
      const { pixelValues, positions, frameSpans } = declarePatches(builder, config, capacities["patches"] ?? 1);
      const patches = pixelValues.shape[0]!;
      const order = builder.input("order", "i32", [patches, 1]);
      const restore = builder.input("restore", "i32", [patches, 1]);
      const windowSpans = builder.input("windowSpans", "i32", [patches, 2]);
      const embedded = builder.linear(pixelValues, builder.weight("visual.patch_embed.proj.weight", [config.width, pixelValues.shape[1] as number]));
      let hidden = builder.gather(embedded, order);
      for (let layer = 0; layer < config.layers; layer++) {
        const prefix = `visual.blocks.${layer}`;
        const spans = config.fullAttentionLayers.includes(layer) ? frameSpans : windowSpans;
        hidden = builder.add(hidden, patchAttention(builder, config, rmsNorm(builder, hidden, `${prefix}.norm1`), `${prefix}.attn`, { positions, spans }));
        hidden = builder.add(hidden, gatedMlp(builder, config, rmsNorm(builder, hidden, `${prefix}.norm2`), `${prefix}.mlp`));
      }
      return builder.gather(hidden, restore);
    },
  };
}

function gatedMlp(builder: ProgramBuilder, config: Qwen25VisionConfig, input: TensorSpec, prefix: string): TensorSpec {
  const gate = dense(builder, input, `${prefix}.gate_proj`, config.intermediateSize);
  const up = dense(builder, input, `${prefix}.up_proj`, config.intermediateSize);
  return dense(builder, builder.swiglu(gate, up), `${prefix}.down_proj`, config.width);
}
