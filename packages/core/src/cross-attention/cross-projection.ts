import { kvResourceSpecs } from "@polywen/kv-cache";
import { PAGE_ROWS, ProgramBuilder, weightFromFloats, type Program, type ResourceSpec, type WeightData } from "@polywen/tensor";
import { MEDIA_ROWS, type StepLimits } from "../text-model.ts";
import { crossKeyNames, crossWeightPrefix, type CrossAttention } from "./cross-attention.ts";

/** What a projection is built for. */
export interface CrossProjectionOptions {
  readonly limits: Pick<StepLimits, "kvDType" | "mediaSlots">;
  readonly hiddenSize: number;
  readonly epsilon: number;
  /** Media rows of one run. */
  readonly rows: number;
}

/** Names of the inputs of a projection, all i32 [rows]. */
export const crossProjectionNames = {
  /** Slots of the media rows to read. */
  rows: "rows",
  /** Slots of the keys and values to write. */
  slots: "slots",
  /** Zeros. */
  ids: "ids",
} as const;

/** A row of zeros: an embedding reads media rows beside a table. */
const ZERO = "cross.zero";

/**
 * The program that computes keys and values of media rows once, for all blocks of a modality and all steps of a prompt:
 * `key = norm(row · k_projᵀ)` per head, `value = row · v_projᵀ`.
 */
export function buildCrossProjection(cross: CrossAttention, { limits, hiddenSize, epsilon, rows }: CrossProjectionOptions): Program {
  const { modality, keyHeads, headWidth, pages } = cross;
  const builder = new ProgramBuilder(`cross.${modality}`);
  const extent = builder.dimension("rows", rows);
  const slots = builder.input(crossProjectionNames.slots, "i32", [extent]);
  const media = { rows: builder.resource(MEDIA_ROWS, "f32", [limits.mediaSlots, hiddenSize]), index: builder.input(crossProjectionNames.rows, "i32", [extent]) };
  const input = builder.embedding({ ids: builder.input(crossProjectionNames.ids, "i32", [extent]), table: builder.weight(ZERO, [1, hiddenSize]), media });
  for (const { index, attention } of cross.layers) {
    if (!attention) continue;
    const prefix = `${crossWeightPrefix(modality, index)}.cross_attn`;
    const project = (name: string) =>
      builder.reshape(builder.linear(input, builder.weight(`${prefix}.${name}.weight`, [keyHeads * headWidth, hiddenSize])), [extent, keyHeads, headWidth]);
    const names = crossKeyNames(modality, index);
    const resource = (name: string) => builder.resource(name, limits.kvDType, [pages * PAGE_ROWS, keyHeads, headWidth]);
    builder.store(builder.rmsNorm(project("k_proj"), builder.weight(`${prefix}.k_norm.weight`, [headWidth]), epsilon), resource(names.keys), slots);
    builder.store(project("v_proj"), resource(names.values), slots);
  }
  return builder.build();
}

/** Weights of a projection that no file holds. */
export function derivedProjectionWeights(hiddenSize: number): ReadonlyMap<string, WeightData> {
  return new Map([[ZERO, weightFromFloats(new Float32Array(hiddenSize), [1, hiddenSize])]]);
}

/** The resources of a modality's keys and values. */
export function crossKeyResources({ modality, layers, keyHeads, headWidth, pages }: CrossAttention, dtype: StepLimits["kvDType"]): readonly ResourceSpec[] {
  const [keys, values] = kvResourceSpecs({ layers: 1, heads: keyHeads, width: headWidth, dtype }, pages) as [ResourceSpec, ResourceSpec];
  return layers.filter(({ attention }) => attention).flatMap(({ index }) => {
    const names = crossKeyNames(modality, index);
    return [{ ...keys, name: names.keys }, { ...values, name: names.values }];
  });
}
