import type { WeightNaming } from "@polywen/core";
import type { PreparedFeatures, ProgramEncoder } from "@polywen/cross-modal";
import type { ProgramBuilder, Sizes, TensorSpec } from "@polywen/tensor";
import type { ImageSource } from "../decode-image.ts";
import type { ImageOptions } from "../image-limits.ts";
import type { Dinov2Config } from "./dinov2-config.ts";
import { positionWeights } from "./position-weights.ts";
import { cropPatches, type SquareProcessorConfig } from "./square-processor.ts";

/** What the encoder needs beside its configuration. */
export interface Dinov2EncoderOptions {
  readonly processor: SquareProcessorConfig;
  /** Whether the row of the class token, the first, is among the features. Without it they have a grid. Default true. */
  readonly classToken?: boolean;
  readonly limits?: ImageOptions["limits"];
}

/** Weights of a `dinov2` checkpoint, saved with a head or without. */
export const dinov2Naming: WeightNaming = (name) => {
  const names = [name, `dinov2.${name}`];
  return name === "embeddings.position_embeddings" ? { names, layout: "transposed" } : { names };
};

/** DINOv2 (Oquab et al., 2023): the states after the last norm, [1 + patches, width], or [patches, width] without the class token. */
export function dinov2Encoder(config: Dinov2Config, options: Dinov2EncoderOptions): ProgramEncoder<ImageSource> {
  const { processor, classToken = true, limits } = options;
  return {
    kind: "program",
    dimensions: ["patches", "tokens"],
    naming: dinov2Naming,
    async prepare(source, { signal, network }) {
      const { pixelValues, grid } = await cropPatches(source, processor, config.patchSize, { signal, network, limits });
      return { ...features(grid.h, grid.w, classToken), sizes: { patches: grid.h * grid.w, tokens: grid.h * grid.w + 1 }, inputs: { pixelValues, ...tokenInputs(config, grid.h, grid.w, classToken) } };
    },
    build: (builder, capacities) => buildEncoder(builder, config, capacities, classToken),
  };
}

function features(height: number, width: number, classToken: boolean): Pick<PreparedFeatures, "features"> {
  return { features: classToken ? { rows: height * width + 1 } : { rows: height * width, grid: [1, height, width] } };
}

/** What depends on the number of patches alone. */
function tokenInputs({ side }: Dinov2Config, height: number, width: number, classToken: boolean): PreparedFeatures["inputs"] {
  const tokens = height * width + 1;
  return {
    classId: Int32Array.of(0),
    fromClass: Int32Array.from({ length: tokens }, (_, row) => (row === 0 ? 0 : -1)),
    fromPatches: Int32Array.from({ length: tokens }, (_, row) => row - 1),
    positions: positionWeights(side, height, width),
    spans: Int32Array.from({ length: tokens * 2 }, (_, index) => (index % 2) * tokens),
    ...(classToken ? {} : { patchRows: Int32Array.from({ length: tokens - 1 }, (_, row) => row + 1) }),
  };
}

function buildEncoder(builder: ProgramBuilder, config: Dinov2Config, capacities: Sizes, classToken: boolean): TensorSpec {
  const patches = builder.dimension("patches", capacities["patches"] ?? 1);
  const tokens = builder.dimension("tokens", capacities["tokens"] ?? 1);
  const { width, side, patchSize } = config;
  const pixels = builder.input("pixelValues", "f32", [patches, 3 * patchSize ** 2]);
  const embedded = dense(builder, pixels, width, "embeddings.patch_embeddings.projection");
  const token = builder.embedding({ ids: builder.input("classId", "i32", [1]), table: builder.weight("embeddings.cls_token", [1, width]) });
  const rows = builder.add(builder.gather(token, builder.input("fromClass", "i32", [tokens, 1])), builder.gather(embedded, builder.input("fromPatches", "i32", [tokens, 1])));
  // The table of positions is a weight of its own transpose: what patches of any number take of it is one matrix product.
  const positions = builder.linear(builder.input("positions", "f32", [tokens, 1 + side ** 2]), builder.weight("embeddings.position_embeddings", [width, 1 + side ** 2]));
  const spans = builder.input("spans", "i32", [tokens, 2]);
  let hidden = builder.add(rows, positions);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `encoder.layer.${layer}`;
    const attended = attention(builder, config, norm(builder, config, hidden, `${prefix}.norm1`), `${prefix}.attention`, spans);
    hidden = builder.add(hidden, builder.scale(attended, builder.weight(`${prefix}.layer_scale1.lambda1`, [width])));
    const inner = builder.activation("gelu", dense(builder, norm(builder, config, hidden, `${prefix}.norm2`), config.intermediateSize, `${prefix}.mlp.fc1`));
    hidden = builder.add(hidden, builder.scale(dense(builder, inner, width, `${prefix}.mlp.fc2`), builder.weight(`${prefix}.layer_scale2.lambda1`, [width])));
  }
  const normed = norm(builder, config, hidden, "layernorm");
  return classToken ? normed : builder.gather(normed, builder.input("patchRows", "i32", [patches, 1]));
}

function attention(builder: ProgramBuilder, { heads, width }: Dinov2Config, input: TensorSpec, prefix: string, spans: TensorSpec): TensorSpec {
  const project = (name: string): TensorSpec => builder.reshape(dense(builder, input, width, `${prefix}.attention.${name}`), [input.shape[0]!, heads, width / heads]);
  const attended = builder.attention({ query: project("query"), source: { kind: "packed", keys: project("key"), values: project("value") }, spans, scale: (width / heads) ** -0.5 });
  return dense(builder, builder.reshape(attended, [input.shape[0]!, width]), width, `${prefix}.output.dense`);
}

function norm(builder: ProgramBuilder, { epsilon }: Dinov2Config, input: TensorSpec, name: string): TensorSpec {
  const width = input.shape[1] as number;
  return builder.layerNorm(input, builder.weight(`${name}.weight`, [width]), builder.weight(`${name}.bias`, [width]), epsilon);
}

function dense(builder: ProgramBuilder, input: TensorSpec, out: number, name: string): TensorSpec {
  return builder.linear(input, builder.weight(`${name}.weight`, [out, input.shape[1] as number]), builder.weight(`${name}.bias`, [out]));
}
