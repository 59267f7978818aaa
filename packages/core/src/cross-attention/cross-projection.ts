import { kvResourceSpecs } from "@polywen/kv-cache";
import { PAGE_ROWS, ProgramBuilder, type Program, type ResourceSpec } from "@polywen/tensor";
import { mediaRowsNames, type StepLimits } from "../text-model.ts";
import { crossKeyNames, type CrossAttention } from "./cross-attention.ts";
import { crossWeights, type CrossWeight } from "./cross-weights.ts";

/** What a projection is built for. */
export interface CrossProjectionOptions {
  readonly limits: Pick<StepLimits, "kvDType" | "mediaSlots">;
  readonly hiddenSize: number;
  readonly epsilon: number;
  /** Media rows of one run. */
  readonly rows: number;
}

/** Names of the inputs of a projection. */
export const crossProjectionNames = {
  /** i32 [rows, 1]: slots of the media rows to read */
  rows: "rows",
  /** i32 [rows]: slots of the keys and values to write */
  slots: "slots",
} as const;

/**
 * The program that computes keys and values of media rows once, for all blocks of a modality and all steps of a prompt:
 * `key = norm(row · k_projᵀ)` per head, `value = row · v_projᵀ`.
 */
export function buildCrossProjection(cross: CrossAttention, { limits, hiddenSize, epsilon, rows }: CrossProjectionOptions): Program {
  const { modality, keyHeads, headWidth, pages } = cross;
  const builder = new ProgramBuilder(`cross.${modality}`);
  const extent = builder.dimension("rows", rows);
  const slots = builder.input(crossProjectionNames.slots, "i32", [extent]);
  const media = builder.resource(mediaRowsNames(1)[0]!, "f32", [limits.mediaSlots, hiddenSize]);
  const input = builder.gather(media, builder.input(crossProjectionNames.rows, "i32", [extent, 1]));
  for (const { index, attention } of cross.layers) {
    if (!attention) continue;
    const weights = crossWeights(cross, index, hiddenSize).attention;
    const project = ({ name, shape }: CrossWeight) => builder.reshape(builder.linear(input, builder.weight(name, shape)), [extent, keyHeads, headWidth]);
    const names = crossKeyNames(modality, index);
    const resource = (name: string) => builder.resource(name, limits.kvDType, [pages * PAGE_ROWS, keyHeads, headWidth]);
    builder.store(builder.rmsNorm(project(weights.key), builder.weight(weights.keyNorm.name, weights.keyNorm.shape), epsilon), resource(names.keys), slots);
    builder.store(project(weights.value), resource(names.values), slots);
  }
  return builder.build();
}

/** The resources of a modality's keys and values. */
export function crossKeyResources({ modality, layers, keyHeads, headWidth, pages }: CrossAttention, dtype: StepLimits["kvDType"]): readonly ResourceSpec[] {
  const [keys, values] = kvResourceSpecs({ layers: 1, heads: keyHeads, width: headWidth, dtype }, pages) as [ResourceSpec, ResourceSpec];
  return layers.filter(({ attention }) => attention).flatMap(({ index }) => {
    const names = crossKeyNames(modality, index);
    return [{ ...keys, name: names.keys }, { ...values, name: names.values }];
  });
}
