import { z } from "zod";
import { parseWith, refuseField, sizeSchema, type JsonObject } from "@polywen/formats";

/** The sizes of a DINOv2 encoder. */
export interface Dinov2Config {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Patches along a side of the pictures that the table of positions was made for. */
  readonly side: number;
  readonly epsilon: number;
}

const schema = z.looseObject({
  hidden_size: sizeSchema(2 ** 16).default(768),
  num_hidden_layers: sizeSchema(1024).default(12),
  num_attention_heads: sizeSchema(1024).default(12),
  mlp_ratio: z.number().positive().max(64).default(4),
  hidden_act: z.literal("gelu", { error: "only gelu is published for this encoder" }).default("gelu"),
  layer_norm_eps: z.number().positive().max(1).default(1e-6),
  image_size: sizeSchema(4096).default(224),
  patch_size: sizeSchema(256).default(14),
  num_channels: z.literal(3, { error: "pictures have three channels" }).default(3),
  qkv_bias: z.literal(true, { error: "published encoders have biases" }).default(true),
  use_swiglu_ffn: z.literal(false, { error: "the giant encoder, with a gated MLP, is not supported" }).default(false),
});

/** Reads config.json of a `dinov2` checkpoint (small, base and large). Throws `InvalidFileError` with the place of a bad field. */
export function parseDinov2Config(config: JsonObject, file: string): Dinov2Config {
  const fields = parseWith(schema, config, file);
  if (fields.hidden_size % fields.num_attention_heads !== 0) refuseField({ file }, "num_attention_heads", `${fields.hidden_size} values cannot be shared by ${fields.num_attention_heads} heads`);
  if (fields.image_size < fields.patch_size) refuseField({ file }, "image_size", "it is smaller than a patch");
  return {
    layers: fields.num_hidden_layers,
    width: fields.hidden_size,
    heads: fields.num_attention_heads,
    intermediateSize: Math.floor(fields.hidden_size * fields.mlp_ratio),
    patchSize: fields.patch_size,
    side: Math.floor(fields.image_size / fields.patch_size),
    epsilon: fields.layer_norm_eps,
  };
}
