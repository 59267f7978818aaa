import { frequenciesOf, type WeightNaming } from "@polywen/core";
import type { ProgramEncoder } from "@polywen/cross-modal";
import type { ImageProcessorConfig } from "@polywen/formats";
import { weightFromFloats, type ProgramBuilder, type Sizes, type TensorSpec, type WeightData } from "@polywen/tensor";
import type { ImageOptions, ImageSource } from "../decode-image.ts";
import { preprocessImage } from "../image-processor.ts";
import type { Qwen25VisionConfig } from "./qwen25-vision-config.ts";
import { windowOrder } from "./window-order.ts";

const EPSILON = 1e-6;
const FREQUENCIES = "visual.rotary.frequencies";

/** What the encoder needs beside its configuration. */
export interface Qwen25VisionEncoderOptions {
  readonly processor: ImageProcessorConfig;
  readonly naming: WeightNaming;
  /** Limits for decoding. */
  readonly limits?: ImageOptions["limits"];
}

/** The vision tower up to the merger: patches in, patch features [patches, width] out, in the order of the preprocessor. */
export function qwen25VisionEncoder(config: Qwen25VisionConfig, options: Qwen25VisionEncoderOptions): ProgramEncoder<ImageSource> {
  return {
    kind: "program",
    dimensions: ["patches"],
    naming: options.naming,
    derived: new Map([[FREQUENCIES, axialFrequencies(config.width / config.heads)]]),
    async prepare(source, { signal }) {
      const image = await preprocessImage(source, options.processor, { signal, limits: options.limits });
      const { grid, pixelValues } = image;
      const units = Math.floor(config.windowSize / config.mergeSize / config.patchSize);
      const { order, restore, positions, windowSpans, frameSpans } = windowOrder(grid, config.mergeSize, units);
      return {
        rows: order.length / config.mergeSize ** 2,
        grid: [grid.t, grid.h / config.mergeSize, grid.w / config.mergeSize],
        sizes: { patches: order.length },
        inputs: { pixelValues, order, restore, positions, windowSpans, frameSpans },
      };
    },
    build: (builder, capacities) => buildTower(builder, config, capacities),
  };
}

function buildTower(builder: ProgramBuilder, config: Qwen25VisionConfig, capacities: Sizes): TensorSpec {
  const patches = builder.dimension("patches", capacities["patches"] ?? 1);
  const patchLength = config.channels * config.temporalPatchSize * config.patchSize ** 2;
  const pixelValues = builder.input("pixelValues", "f32", [patches, patchLength]);
  const order = builder.input("order", "i32", [patches, 1]);
  const restore = builder.input("restore", "i32", [patches, 1]);
  const positions = builder.input("positions", "i32", [patches, 2]);
  const windowSpans = builder.input("windowSpans", "i32", [patches, 2]);
  const frameSpans = builder.input("frameSpans", "i32", [patches, 2]);
  const embedded = builder.linear(pixelValues, builder.weight("visual.patch_embed.proj.weight", [config.width, patchLength]));
  let hidden = builder.gather(embedded, order);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `visual.blocks.${layer}`;
    const spans = config.fullAttentionLayers.includes(layer) ? frameSpans : windowSpans;
    hidden = builder.add(hidden, attention(builder, config, norm(builder, hidden, `${prefix}.norm1`), prefix, positions, spans));
    hidden = builder.add(hidden, mlp(builder, config, norm(builder, hidden, `${prefix}.norm2`), `${prefix}.mlp`));
  }
  return builder.gather(hidden, restore);
}

function norm(builder: ProgramBuilder, input: TensorSpec, name: string): TensorSpec {
  return builder.rmsNorm(input, builder.weight(`${name}.weight`, [input.shape[1] as number]), EPSILON);
}

function dense(builder: ProgramBuilder, input: TensorSpec, name: string, out: number): TensorSpec {
  return builder.linear(input, builder.weight(`${name}.weight`, [out, input.shape[1] as number]), builder.weight(`${name}.bias`, [out]));
}

/** Attention inside windows or frames, with 2-D rotary positions: half of the frequencies follow the row, half the column. */
function attention(builder: ProgramBuilder, config: Qwen25VisionConfig, input: TensorSpec, prefix: string, positions: TensorSpec, spans: TensorSpec): TensorSpec {
  const { heads, width } = config;
  const headWidth = width / heads;
  const frequencies = builder.weight(FREQUENCIES, [headWidth / 2]);
  const axes = Array.from({ length: headWidth / 2 }, (_, index) => (index < headWidth / 4 ? 0 : 1));
  const project = (name: string): TensorSpec => builder.reshape(dense(builder, input, `${prefix}.attn.${name}`, width), [input.shape[0]!, heads, headWidth]);
  const rotate = (tensor: TensorSpec): TensorSpec => builder.rotary({ input: tensor, positions, frequencies, axes });
  const attended = builder.attention({
    query: rotate(project("q")),
    source: { kind: "packed", keys: rotate(project("k")), values: project("v") },
    spans,
    scale: headWidth ** -0.5,
  });
  return dense(builder, builder.reshape(attended, [input.shape[0]!, width]), `${prefix}.attn.proj`, width);
}

function mlp(builder: ProgramBuilder, config: Qwen25VisionConfig, input: TensorSpec, prefix: string): TensorSpec {
  const gate = dense(builder, input, `${prefix}.gate_proj`, config.intermediateSize);
  const up = dense(builder, input, `${prefix}.up_proj`, config.intermediateSize);
  return dense(builder, builder.swiglu(gate, up), `${prefix}.down_proj`, config.width);
}

/** The same inverse frequencies for rows and for columns, each over half of the head. */
function axialFrequencies(headWidth: number): WeightData {
  const half = frequenciesOf(10_000, headWidth / 2);
  return weightFromFloats(Float32Array.from([...half, ...half]), [headWidth / 2]);
}
