import { stackRows } from "@polywen/cross-modal";
import { weightFromFloats, type ProgramBuilder, type TensorSpec } from "@polywen/tensor";
import { declarePatches, dense, layerNorm, patchAttention, rotaryWeights } from "../tower/tower-parts.ts";
import type { VisionTower } from "../tower/vision-tower.ts";
import { frameOrder } from "../tower/window-order.ts";
import { positionTaps } from "./position-taps.ts";
import type { Qwen3VisionConfig } from "./qwen3-vision-config.ts";

const CORNERS = [0, 1, 2, 3] as const;
const ONES = "visual.pos_embed.ones";

/**
 * The vision tower of Qwen3-VL: learned positions, stretched over each picture, are added to the patches; features of some layers
 * reach the text model beside the last ones (deepstack), each through a merger of its own.
 */
export function qwen3VisionTower(config: Qwen3VisionConfig): VisionTower {
  const tapped = [...config.deepstackLayers].sort((left, right) => left - right);
  return {
    config,
    levels: 1 + tapped.length,
    gridInputs(grid) {
      const { positions, frameSpans } = frameOrder(grid, config.mergeSize);
      const { entries, weights } = positionTaps(grid, positions, config.tableSide);
      const taps = CORNERS.flatMap((corner) => [[`entries.${corner}`, entries[corner]!] as const, [`weights.${corner}`, weights[corner]!] as const]);
      return { positions, frameSpans, ...Object.fromEntries(taps) };
    },
    merger: {
      stack: config.mergeSize ** 2,
      build: (builder, features, hiddenSize, deeper) => [
        merge(builder, config, features, "visual.merger", hiddenSize, "before"),
        ...deeper.map((level, index) => merge(builder, config, level, `visual.deepstack_merger_list.${config.deepstackLayers.indexOf(tapped[index]!)}`, hiddenSize, "after")),
      ],
    },
    derived: new Map([...rotaryWeights(config), [ONES, weightFromFloats(new Float32Array(config.width).fill(1), [config.width, 1])]]),
    build(builder, capacities) {
      const { pixelValues, positions, frameSpans: spans } = declarePatches(builder, config, capacities["patches"] ?? 1);
      let hidden = addPositions(builder, config, dense(builder, pixelValues, "visual.patch_embed.proj", config.width));
      const deeper: TensorSpec[] = [];
      for (let layer = 0; layer < config.layers; layer++) {
        const prefix = `visual.blocks.${layer}`;
        hidden = builder.add(hidden, patchAttention(builder, config, layerNorm(builder, hidden, `${prefix}.norm1`), `${prefix}.attn`, { positions, spans }));
        const inner = dense(builder, layerNorm(builder, hidden, `${prefix}.norm2`), `${prefix}.mlp.linear_fc1`, config.intermediateSize);
        hidden = builder.add(hidden, dense(builder, builder.activation("gelu-tanh", inner), `${prefix}.mlp.linear_fc2`, config.width));
        if (tapped.includes(layer)) deeper.push(hidden);
      }
      return [hidden, ...deeper];
    },
  };
}

/** Adds the four entries of the table that surround a patch, each by its weight; a product with ones spreads a weight over the row. */
function addPositions(builder: ProgramBuilder, { tableSide, width }: Qwen3VisionConfig, embedded: TensorSpec): TensorSpec {
  const patches = embedded.shape[0]!;
  const table = builder.weight("visual.pos_embed.weight", [tableSide ** 2, width]);
  const ones = builder.weight(ONES, [width, 1]);
  const corners = CORNERS.map((corner) => {
    const entry = builder.embedding({ ids: builder.input(`entries.${corner}`, "i32", [patches]), table });
    return builder.multiply(entry, builder.linear(builder.input(`weights.${corner}`, "f32", [patches, 1]), ones));
  });
  return builder.add(embedded, corners.reduce((sum, corner) => builder.add(sum, corner)));
}

/** Squares of patches to rows of the text model; the norm stands before or after the patches of a square are laid side by side. */
function merge(builder: ProgramBuilder, config: Qwen3VisionConfig, features: TensorSpec, prefix: string, hiddenSize: number, norm: "before" | "after"): TensorSpec {
  const stack = config.mergeSize ** 2;
  const normed = (input: TensorSpec): TensorSpec => layerNorm(builder, input, `${prefix}.norm`);
  const squares = norm === "before" ? stackRows(builder, normed(features), stack) : normed(stackRows(builder, features, stack));
  const first = dense(builder, squares, `${prefix}.linear_fc1`, config.width * stack);
  return dense(builder, builder.activation("gelu", first), `${prefix}.linear_fc2`, hiddenSize);
}
