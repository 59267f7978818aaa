import { z } from "zod";
import { UnsupportedError } from "@polywen/tensor";

/** Rotary settings of a text model, whichever of the published spellings they came in. */
export interface RopeConfig {
  /** Base of the frequencies. */
  readonly theta: number;
  readonly scaling: RopeScaling;
  /** M-RoPE: how many frequencies follow the time, height and width axis. Absent: one axis for all. */
  readonly sections?: readonly number[];
  /** Whether the frequencies of an axis are every third one, as in Qwen3-VL, rather than consecutive ones. */
  readonly interleaved?: boolean;
}

/** How frequencies are stretched beyond the trained length; factors as published. */
export type RopeScaling =
  | { readonly kind: "none" }
  | { readonly kind: "linear"; readonly factor: number }
  | { readonly kind: "dynamic"; readonly factor: number }
  | {
      readonly kind: "yarn";
      readonly factor: number;
      /** Length that the model was trained for. */
      readonly originalLength: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly truncate: boolean;
      /** Factor of cosine and sine. */
      readonly attentionFactor: number;
    }
  | {
      readonly kind: "llama3";
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalLength: number;
    }
  | {
      readonly kind: "longrope";
      /** Divisors of the frequencies of sequences up to `originalLength`, and of longer ones. */
      readonly shortFactors: readonly number[];
      readonly longFactors: readonly number[];
      readonly originalLength: number;
      /** Factor of cosine and sine. */
      readonly attentionFactor: number;
    };

const positive = z.number().positive().finite();

/** Fields of `rope_scaling` (older files) or `rope_parameters` (transformers 5), as published. */
export interface RopeFields {
  readonly rope_type?: string | undefined;
  readonly type?: string | undefined;
  readonly rope_theta?: number | undefined;
  readonly factor?: number | null | undefined;
  readonly original_max_position_embeddings?: number | null | undefined;
  readonly beta_fast?: number | null | undefined;
  readonly beta_slow?: number | null | undefined;
  readonly attention_factor?: number | null | undefined;
  readonly mscale?: number | null | undefined;
  readonly mscale_all_dim?: number | null | undefined;
  readonly low_freq_factor?: number | null | undefined;
  readonly high_freq_factor?: number | null | undefined;
  readonly short_factor?: number[] | null | undefined;
  readonly long_factor?: number[] | null | undefined;
  readonly truncate?: boolean | null | undefined;
  readonly partial_rotary_factor?: number | null | undefined;
  readonly mrope_section?: number[] | undefined;
  readonly mrope_interleaved?: boolean | undefined;
}

/** Checks `RopeFields`. */
export const ropeFieldsSchema: z.ZodType<RopeFields> = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.nullish(),
  original_max_position_embeddings: positive.nullish(),
  beta_fast: positive.nullish(),
  beta_slow: positive.nullish(),
  attention_factor: positive.nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  short_factor: z.array(positive).max(512).nullish(),
  long_factor: z.array(positive).max(512).nullish(),
  truncate: z.boolean().nullish(),
  partial_rotary_factor: positive.nullish(),
  mrope_section: z.array(z.int().nonnegative()).max(16).optional(),
  mrope_interleaved: z.boolean().optional(),
});

/** Where the rotary settings of a config.json may stand. */
export interface RopeSource {
  readonly rope_theta?: number | undefined;
  readonly rope_scaling?: RopeFields | null | undefined;
  readonly rope_parameters?: RopeFields | null | undefined;
  readonly max_position_embeddings: number;
}

/** What the family knows about its rotary settings. */
export interface RopeContext {
  /** Class default of the family. */
  readonly defaultTheta: number;
  /** Width of a head. */
  readonly headWidth: number;
  /** Throws for a field, whose name may be a path. */
  readonly refuse: (field: string, problem: string) => never;
}

/** Reads both published spellings. Throws `UnsupportedError` for other scalings, and what `refuse` throws. */
export function parseRopeConfig(source: RopeSource, context: RopeContext): RopeConfig {
  const fields = source.rope_parameters ?? source.rope_scaling ?? {};
  const theta = fields.rope_theta ?? source.rope_theta ?? context.defaultTheta;
  if ((fields.partial_rotary_factor ?? 1) !== 1) throw new UnsupportedError({ feature: "a partial rotary factor" });
  const place = source.rope_parameters ? "rope_parameters" : "rope_scaling";
  const scaling = parseScaling(fields, source.max_position_embeddings, { ...context, refuse: (field, problem) => context.refuse(`${place}/${field}`, problem) });
  return fields.mrope_section === undefined ? { theta, scaling } : { theta, scaling, sections: fields.mrope_section, interleaved: fields.mrope_interleaved ?? false };
}

function parseScaling(fields: RopeFields, maxPositions: number, context: RopeContext): RopeScaling {
  const kind = fields.rope_type ?? fields.type ?? "default";
  switch (kind) {
    case "default":
    case "mrope":
      return { kind: "none" };
    case "linear":
    case "dynamic":
      return { kind, factor: required(fields, "factor", context) };
    case "yarn":
      return parseYarn(fields, maxPositions);
    case "llama3":
      return parseLlama3(fields, maxPositions, context);
    case "longrope":
      return parseLongRope(fields, maxPositions, context);
    default:
      throw new UnsupportedError({ feature: `rope scaling "${kind}"`, supported: ["default", "mrope", "linear", "dynamic", "yarn", "llama3", "longrope"] });
  }
}

/** Peng et al., 2023. The given factor holds; the ratio of the lengths only stands in for a missing one. */
function parseYarn(fields: RopeFields, maxPositions: number): RopeScaling {
  const originalLength = fields.original_max_position_embeddings ?? maxPositions;
  const factor = fields.factor ?? maxPositions / originalLength;
  const magnitude = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  const { mscale, mscale_all_dim: mscaleAll } = fields;
  const attentionFactor = fields.attention_factor ?? (mscale && mscaleAll ? magnitude(mscale) / magnitude(mscaleAll) : magnitude(1));
  const { beta_fast, beta_slow, truncate } = fields;
  return { kind: "yarn", factor, originalLength, betaFast: beta_fast ?? 32, betaSlow: beta_slow ?? 1, truncate: truncate ?? true, attentionFactor };
}

/** Llama 3.1: long wavelengths are stretched, short ones kept, those between blended. */
function parseLlama3(fields: RopeFields, maxPositions: number, context: RopeContext): RopeScaling {
  const lowFrequencyFactor = required(fields, "low_freq_factor", context);
  const highFrequencyFactor = required(fields, "high_freq_factor", context);
  if (highFrequencyFactor <= lowFrequencyFactor) context.refuse("high_freq_factor", "it must exceed low_freq_factor");
  const originalLength = fields.original_max_position_embeddings ?? maxPositions;
  return { kind: "llama3", factor: required(fields, "factor", context), lowFrequencyFactor, highFrequencyFactor, originalLength };
}

/** Ding et al., 2024, with the magnitude of Phi-3: every frequency has a divisor of its own. */
function parseLongRope(fields: RopeFields, maxPositions: number, context: RopeContext): RopeScaling {
  const divisors = (name: "short_factor" | "long_factor"): readonly number[] => {
    const list = fields[name] ?? [];
    if (list.length !== context.headWidth / 2) context.refuse(name, `a list of ${context.headWidth / 2} factors is expected`);
    return list;
  };
  const originalLength = fields.original_max_position_embeddings ?? maxPositions;
  const factor = fields.factor ?? maxPositions / originalLength;
  const magnitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalLength));
  return { kind: "longrope", shortFactors: divisors("short_factor"), longFactors: divisors("long_factor"), originalLength, attentionFactor: fields.attention_factor ?? magnitude };
}

function required(fields: RopeFields, name: "factor" | "low_freq_factor" | "high_freq_factor", { refuse }: RopeContext): number {
  return fields[name] ?? refuse(name, `rope scaling "${fields.rope_type ?? fields.type}" needs it`);
}
