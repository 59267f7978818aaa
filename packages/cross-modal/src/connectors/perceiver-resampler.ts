import type { ProgramBuilder, TensorSpec } from "@polywen/tensor";
import { dense, positiveInteger, type Connector } from "./connector.ts";

/** Options of `perceiverResampler`. */
export interface PerceiverOptions {
  /** Media rows that every medium becomes, however long it is. */
  readonly latents: number;
  /** Layers. Default 2. */
  readonly depth?: number;
  /** Attention heads. Default 8. */
  readonly heads?: number;
  /** Width of a head. Default 64. */
  readonly headWidth?: number;
}

const names = {
  context: "perceiver.context",
  ids: "perceiver.ids",
  fromFeatures: "perceiver.fromFeatures",
  fromLatents: "perceiver.fromLatents",
  spans: "perceiver.spans",
} as const;
const EPSILON = 1e-5;

/**
 * The resampler of Flamingo (Alayrac et al., 2022): learned latents attend to the features and to themselves, layer by
 * layer, so that a medium of any length becomes `latents` rows. Features of another width than the text model's are brought
 * to it by a last linear layer. Positions must be in the features already. Weights: `perceiver.latents` [latents, width],
 * `perceiver.layers.{i}.0.{norm_media,norm_latents}.{weight,bias}`, `.0.{to_q,to_k,to_v,to_out}.weight`,
 * `.1.0.{weight,bias}`, `.1.{1,3}.weight`, `perceiver.norm.{weight,bias}`, `connector.{weight,bias}`.
 */
export function perceiverResampler(options: PerceiverOptions): Connector {
  const latents = positiveInteger("latents", options.latents);
  const shape = { depth: positiveInteger("depth", options.depth ?? 2), heads: positiveInteger("heads", options.heads ?? 8), headWidth: positiveInteger("headWidth", options.headWidth ?? 64) };
  return {
    stack: 1,
    dimensions: [names.context],
    prepare({ rows }) {
      const context = rows + latents;
      const rowOrNothing = (first: number, count: number): Int32Array => Int32Array.from({ length: context }, (_, row) => (row >= first && row < first + count ? row - first : -1));
      return {
        rows: latents,
        sizes: { [names.context]: context },
        inputs: {
          [names.ids]: Int32Array.from({ length: latents }, (_, row) => row),
          [names.fromFeatures]: rowOrNothing(0, rows),
          [names.fromLatents]: rowOrNothing(rows, latents),
          [names.spans]: Int32Array.from({ length: latents * 2 }, (_, index) => (index % 2) * context),
        },
      };
    },
    build(builder, features, hiddenSize, _, capacities) {
      const width = features.shape[1] as number;
      const context = builder.dimension(names.context, capacities[names.context] ?? 1);
      const inputs: ResamplerInputs = {
        features,
        fromFeatures: builder.input(names.fromFeatures, "i32", [context, 1]),
        fromLatents: builder.input(names.fromLatents, "i32", [context, 1]),
        spans: builder.input(names.spans, "i32", [latents, 2]),
      };
      let rows = builder.embedding({ ids: builder.input(names.ids, "i32", [latents]), table: builder.weight("perceiver.latents", [latents, width]) });
      for (let layer = 0; layer < shape.depth; layer++) {
        rows = builder.add(rows, attention(builder, rows, inputs, { ...shape, prefix: `perceiver.layers.${layer}.0` }));
        rows = builder.add(rows, feedForward(builder, rows, `perceiver.layers.${layer}.1`));
      }
      const normed = norm(builder, rows, "perceiver.norm");
      return width === hiddenSize ? normed : dense(builder, normed, hiddenSize, "connector");
    },
  };
}

interface ResamplerInputs {
  readonly features: TensorSpec;
  /** [context, 1]: the row of the features that a row of the context is, or -1; and the same for latents. */
  readonly fromFeatures: TensorSpec;
  readonly fromLatents: TensorSpec;
  readonly spans: TensorSpec;
}

/** Latents attend to features and latents. Two gathers whose rows are zero where the other's are not put one below the other. */
function attention(builder: ProgramBuilder, latents: TensorSpec, inputs: ResamplerInputs, { prefix, heads, headWidth }: { prefix: string; heads: number; headWidth: number }): TensorSpec {
  const own = norm(builder, latents, `${prefix}.norm_latents`);
  const media = norm(builder, inputs.features, `${prefix}.norm_media`);
  const context = builder.add(builder.gather(media, inputs.fromFeatures), builder.gather(own, inputs.fromLatents));
  const project = (input: TensorSpec, name: string): TensorSpec => builder.reshape(plain(builder, input, heads * headWidth, `${prefix}.${name}`), [input.shape[0]!, heads, headWidth]);
  const attended = builder.attention({
    query: project(own, "to_q"),
    source: { kind: "packed", keys: project(context, "to_k"), values: project(context, "to_v") },
    spans: inputs.spans,
    scale: headWidth ** -0.5,
  });
  return plain(builder, builder.reshape(attended, [latents.shape[0]!, heads * headWidth]), latents.shape[1] as number, `${prefix}.to_out`);
}

function feedForward(builder: ProgramBuilder, input: TensorSpec, prefix: string): TensorSpec {
  const width = input.shape[1] as number;
  const inner = plain(builder, norm(builder, input, `${prefix}.0`), 4 * width, `${prefix}.1`);
  return plain(builder, builder.activation("gelu", inner), width, `${prefix}.3`);
}

function plain(builder: ProgramBuilder, input: TensorSpec, out: number, name: string): TensorSpec {
  return builder.linear(input, builder.weight(`${name}.weight`, [out, input.shape[1] as number]));
}

function norm(builder: ProgramBuilder, input: TensorSpec, name: string): TensorSpec {
  const width = input.shape[1] as number;
  return builder.layerNorm(input, builder.weight(`${name}.weight`, [width]), builder.weight(`${name}.bias`, [width]), EPSILON);
}
