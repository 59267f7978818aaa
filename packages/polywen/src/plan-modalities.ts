import { crossWeightPrefix, type CrossAttention } from "@polywen/core";
import { checkModalityFolder, ModalityWeightSource, resolveCrossAttention, textShapeOf, type ModalityDefinition } from "@polywen/cross-modal";
import type { Checkpoint } from "@polywen/formats";
import { InvalidArgumentError, type Program, type WeightData } from "@polywen/tensor";
import type { Family, MediumPlace } from "./families/family.ts";
import type { LoadModelOptions } from "./model-options.ts";

/** A modality whose weights are found but not read. */
export interface PlannedModality extends MediumPlace {
  readonly definition: ModalityDefinition<unknown>;
  readonly source: ModalityWeightSource;
  /** Name of the modality whose encoder and connector it runs with. Absent: it has its own. */
  readonly sharedWith?: string | undefined;
  /** With cross-attention: the blocks that do something, and the weights that stand for their gates. */
  readonly cross?: { readonly attention: CrossAttention; readonly gates: ReadonlyMap<string, WeightData> };
}

/** Finds the weights of all modalities, those of the checkpoint and those that are added, and checks that these fit the model. */
export async function planModalities({ family, checkpoint }: { readonly family: Family; readonly checkpoint: Checkpoint }, { modalities = [] }: LoadModelOptions, pages: number): Promise<readonly PlannedModality[]> {
  const planned: PlannedModality[] = [];
  for (const native of family.modalities) planned.push({ ...native, source: await ModalityWeightSource.open(native.definition, checkpoint) });
  const text = textShapeOf(family.text);
  for (const [index, { definition, weights }] of modalities.entries()) {
    const { name, injection } = definition;
    if (planned.some((other) => other.definition.name === name)) throw new InvalidArgumentError({ argument: "modalities", expected: "names that the model does not have yet", received: name });
    if (typeof weights === "string") await checkModalityFolder(weights, definition, text);
    const source = await ModalityWeightSource.open(definition, weights);
    // No token of the checkpoint: a negative number can never be confused with one.
    const modality = { definition, source, placeholder: -1 - index, before: "", after: "" };
    if (injection?.kind !== "cross-attention") planned.push(modality);
    else {
      const all = resolveCrossAttention(name, injection, text, pages);
      const { layers, gates } = await source.readGates(all, text.hiddenSize);
      planned.push({ ...modality, cross: { attention: { ...all, layers }, gates } });
    }
  }
  return planned;
}

/** Cross-attention that does something: what a step is built with. */
export function liveCrossAttention(modalities: readonly PlannedModality[]): readonly CrossAttention[] {
  return modalities.flatMap(({ cross }) => (cross === undefined || cross.attention.layers.length === 0 ? [] : [cross.attention]));
}

/** Weights of a step program that belong to blocks of cross-attention: no checkpoint of the model holds them. */
export async function findCrossWeights(program: Program, modalities: readonly PlannedModality[]): Promise<ReadonlyMap<string, WeightData>> {
  const found = new Map<string, WeightData>();
  for (const { source, cross } of modalities) {
    if (cross === undefined) continue;
    const { modality, layers } = cross.attention;
    const own = program.tensors.filter(({ role, name }) => role === "weight" && layers.some(({ index }) => name.startsWith(`${crossWeightPrefix(modality, index)}.`)));
    for (const [name, weight] of await source.find({ ...program, tensors: own.filter(({ name }) => !cross.gates.has(name)) })) found.set(name, weight);
    for (const [name, weight] of cross.gates) found.set(name, weight);
  }
  return found;
}
