import { z } from "zod";
import { parseWith, refuseField, sizeSchema, type ConfigFields, type JsonObject } from "@polywen/formats";
import { parseRopeConfig, ropeFieldsSchema, type RopeConfig } from "../../rope/rope-config.ts";

/** What all decoders have in common; families add to it. */
export interface DecoderConfig {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  readonly epsilon: number;
  readonly contextLength: number;
  readonly rope: RopeConfig;
  /** Window length of each layer; undefined is full attention. */
  readonly windows: readonly (number | undefined)[];
  readonly tiedHead: boolean;
  readonly eosTokenIds: readonly number[];
}

/** Where the fields of a decoder stand in its file, and how its positions are laid out. */
export interface DecoderPlace extends ConfigFields {
  /** True for M-RoPE: positions have a time, a height and a width axis, and the file says which frequencies follow each. */
  readonly multimodal?: boolean;
}

const schema = z.looseObject({
  vocab_size: sizeSchema(2 ** 22),
  hidden_size: sizeSchema(2 ** 17),
  intermediate_size: sizeSchema(2 ** 19),
  num_hidden_layers: sizeSchema(1024),
  num_attention_heads: sizeSchema(4096),
  num_key_value_heads: sizeSchema(4096).nullish(),
  head_dim: sizeSchema(1024).multipleOf(2).nullish(),
  hidden_act: z.literal("silu", { error: "only silu is published for this family" }),
  max_position_embeddings: sizeSchema(2 ** 24),
  rms_norm_eps: z.number().positive().max(1),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeFieldsSchema.nullish(),
  rope_parameters: ropeFieldsSchema.nullish(),
  partial_rotary_factor: z.literal(1, { error: "this family turns whole heads" }).nullish(),
  tie_word_embeddings: z.boolean(),
  eos_token_id: z.union([z.int().min(0), z.array(z.int().min(0))]).nullish(),
});

/** Values of the family's class for fields that a file leaves out: some published files rely on them. */
export interface DecoderDefaults {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number;
  readonly head_dim?: number;
  readonly max_position_embeddings: number;
}

/** Reads and checks the fields that all decoders share; `windows` are the family's own affair. */
export function parseDecoderConfig(config: JsonObject, place: DecoderPlace, defaults: DecoderDefaults): Omit<DecoderConfig, "windows"> {
  const { file, pointer = [], multimodal = false } = place;
  const fields = parseWith(schema, { hidden_act: "silu", rms_norm_eps: 1e-6, tie_word_embeddings: false, ...defaults, ...config }, file, pointer);
  const keyHeads = fields.num_key_value_heads ?? fields.num_attention_heads;
  if (fields.num_attention_heads % keyHeads !== 0) refuseField(place, "num_key_value_heads", "it does not divide num_attention_heads");
  const headWidth = fields.head_dim ?? fields.hidden_size / fields.num_attention_heads;
  if (headWidth % 2 !== 0) refuseField(place, "num_attention_heads", `${fields.hidden_size} hidden values cannot be shared by ${fields.num_attention_heads} heads of even width`);
  const { sections = [16, 24, 24], interleaved, ...plainRope } = parseRopeConfig(fields, { defaultTheta: 10_000, headWidth, refuse: (field, problem) => refuseField(place, field, problem) });
  if (multimodal) {
    const counted = sections.reduce((sum, count) => sum + count, 0);
    if (sections.length !== 3 || counted !== headWidth / 2) refuseField(place, `${fields.rope_parameters ? "rope_parameters" : "rope_scaling"}/mrope_section`, `three counts are expected that share ${headWidth / 2} frequencies`);
  }
  const eos = fields.eos_token_id ?? [];
  return {
    vocabularySize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    layers: fields.num_hidden_layers,
    heads: fields.num_attention_heads,
    keyHeads,
    headWidth,
    epsilon: fields.rms_norm_eps,
    contextLength: fields.max_position_embeddings,
    // Text alone advances all axes together, so that sections make no difference to it.
    rope: multimodal ? { ...plainRope, sections, interleaved: interleaved ?? false } : plainRope,
    tiedHead: fields.tie_word_embeddings,
    eosTokenIds: typeof eos === "number" ? [eos] : eos,
  };
}
