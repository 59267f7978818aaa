import { z } from "zod";
import { parseWith, type JsonObject } from "@polywen/formats";
import { InvalidFileError } from "@polywen/tensor";
import { parseRopeConfig, ropeFieldsSchema, type RopeConfig } from "../../rope/rope-config.ts";

/** What a Qwen2 decoder is: config.json of `qwen2`, or the text part of a multimodal family. */
export interface Qwen2Config {
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

/** Limits refuse a configuration before anything is allocated from it. */
const size = (limit: number): z.ZodInt => z.int().min(1).max(limit);

/** Defaults here and below are those of the Qwen2 class: some published files rely on them. */
const schema = z.looseObject({
  vocab_size: size(2 ** 22).default(151_936),
  hidden_size: size(2 ** 17).default(4096),
  intermediate_size: size(2 ** 19).default(22_016),
  num_hidden_layers: size(1024).default(32),
  num_attention_heads: size(4096).default(32),
  num_key_value_heads: size(4096).nullish(),
  head_dim: size(1024).multipleOf(2).nullish(),
  hidden_act: z.literal("silu", { error: "only silu is published for this family" }).default("silu"),
  max_position_embeddings: size(2 ** 24).default(32_768),
  rms_norm_eps: z.number().positive().max(1).default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeFieldsSchema.nullish(),
  rope_parameters: ropeFieldsSchema.nullish(),
  use_sliding_window: z.boolean().default(false),
  sliding_window: size(2 ** 24).nullish(),
  max_window_layers: z.int().min(0).default(28),
  layer_types: z.array(z.enum(["full_attention", "sliding_attention"])).nullish(),
  tie_word_embeddings: z.boolean().default(false),
  eos_token_id: z.union([z.int().min(0), z.array(z.int().min(0))]).nullish(),
});

type Fields = z.infer<typeof schema>;

/** Where the fields of a decoder stand in its file, and how its positions are laid out. */
export interface Qwen2ConfigPlace {
  readonly pointer?: readonly string[];
  /** True for M-RoPE: positions have a time, a height and a width axis, and the file says which frequencies follow each. */
  readonly multimodal?: boolean;
}

/** Reads and checks the fields of a Qwen2 decoder. */
export function parseQwen2Config(config: JsonObject, file: string, { pointer = [], multimodal = false }: Qwen2ConfigPlace = {}): Qwen2Config {
  const fields = parseWith(schema, config, file, pointer);
  const refuse = (field: string, problem: string): never => {
    throw new InvalidFileError({ file, problem, pointer: `/${[...pointer, field].join("/")}` });
  };
  const keyHeads = fields.num_key_value_heads ?? fields.num_attention_heads;
  if (fields.num_attention_heads % keyHeads !== 0) refuse("num_key_value_heads", "it does not divide num_attention_heads");
  const headWidth = fields.head_dim ?? fields.hidden_size / fields.num_attention_heads;
  if (headWidth % 2 !== 0) refuse("num_attention_heads", `${fields.hidden_size} hidden values cannot be shared by ${fields.num_attention_heads} heads of even width`);
  const { sections = [16, 24, 24], ...plainRope } = parseRopeConfig({ rope_theta: fields.rope_theta, rope_scaling: fields.rope_scaling, rope_parameters: fields.rope_parameters, max_position_embeddings: fields.max_position_embeddings }, 10_000);
  if (multimodal) {
    const counted = sections.reduce((sum, count) => sum + count, 0);
    if (sections.length !== 3 || counted !== headWidth / 2) refuse(`${fields.rope_parameters ? "rope_parameters" : "rope_scaling"}/mrope_section`, `three counts are expected that share ${headWidth / 2} frequencies`);
  }
  if (fields.layer_types && fields.layer_types.length !== fields.num_hidden_layers) refuse("layer_types", "it does not list every layer");
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
    rope: multimodal ? { ...plainRope, sections } : plainRope,
    windows: windowsOf(fields),
    tiedHead: fields.tie_word_embeddings,
    eosTokenIds: typeof eos === "number" ? [eos] : eos,
  };
}

/** An explicit list wins; without one, layers from `max_window_layers` on have the window. */
function windowsOf(fields: Fields): readonly (number | undefined)[] {
  const window = fields.use_sliding_window ? (fields.sliding_window ?? 4096) : undefined;
  return Array.from({ length: fields.num_hidden_layers }, (_, layer) => {
    const windowed = fields.layer_types ? fields.layer_types[layer] === "sliding_attention" : layer >= fields.max_window_layers;
    return windowed ? window : undefined;
  });
}
