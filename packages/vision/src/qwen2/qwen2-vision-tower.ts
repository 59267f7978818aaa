import { patchMerger } from "../tower/patch-merger.ts";
import { declarePatches, dense, layerNorm, patchAttention, rotaryWeights } from "../tower/tower-parts.ts";
import type { VisionConfig } from "../tower/vision-config.ts";
import type { VisionTower } from "../tower/vision-tower.ts";
import { frameOrder } from "../tower/window-order.ts";

/** The vision tower of Qwen2-VL: layer norms, quick GELU, attention over whole frames. */
export function qwen2VisionTower(config: VisionConfig): VisionTower {
  return {
    config,
    levels: 1,
    gridInputs: (grid) => frameOrder(grid, config.mergeSize),
    merger: patchMerger(config, layerNorm),
    derived: rotaryWeights(config),
    build(builder, capacities) {
      const { pixelValues, positions, frameSpans: spans } = declarePatches(builder, config, capacities["patches"] ?? 1);
      let hidden = builder.linear(pixelValues, builder.weight("visual.patch_embed.proj.weight", [config.width, pixelValues.shape[1] as number]));
      for (let layer = 0; layer < config.layers; layer++) {
        const prefix = `visual.blocks.${layer}`;
        hidden = builder.add(hidden, patchAttention(builder, config, layerNorm(builder, hidden, `${prefix}.norm1`), `${prefix}.attn`, { positions, spans }));
        const inner = dense(builder, layerNorm(builder, hidden, `${prefix}.norm2`), `${prefix}.mlp.fc1`, config.intermediateSize);
        hidden = builder.add(hidden, dense(builder, builder.activation("quick-gelu", inner), `${prefix}.mlp.fc2`, config.width));
      }
      return hidden;
    },
  };
}
