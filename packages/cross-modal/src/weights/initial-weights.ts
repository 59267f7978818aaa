import { crossWeights, mediaRowsNames, type CrossAttention, type CrossWeight } from "@polywen/core";
import { weightFromFloats, type Program, type WeightData } from "@polywen/tensor";
import { resolveCrossAttention } from "../injection/injection.ts";
import { encoderWeightNames, smallestMediaProgram } from "../encoder-program.ts";
import type { Modality, ModalityDefinition } from "../modality.ts";
import type { TextShape } from "../text-shape.ts";
import { seededNormals } from "./seeded-normals.ts";

/** A weight that an adapter holds. */
export interface AdapterWeight {
  readonly name: string;
  readonly shape: readonly number[];
  /** A gate of a block: it may also hold a value for each column. */
  readonly gate: boolean;
}

/**
 * All weights that an adapter for this text model holds: those of encoder, connector and blocks of cross-attention, except
 * what the encoder computes or has in a file of its own.
 */
export function adapterWeights(definition: ModalityDefinition<unknown>, text: TextShape): readonly AdapterWeight[] {
  const { encoder, injection } = definition;
  const media = mediaRowsNames(text.mediaLevels).map((name) => ({ name, dtype: "f32", shape: [1, text.hiddenSize], paged: false }) as const);
  const program = smallestMediaProgram(definition, media);
  const elsewhere = encoder.kind === "program" && encoder.weights !== undefined ? encoderWeightNames(definition) : new Set();
  const derived = encoder.kind === "program" ? encoder.derived : undefined;
  const own = weightsOf(program).filter(({ name }) => !elsewhere.has(name) && derived?.has(name) !== true);
  if (injection?.kind !== "cross-attention") return own;
  return [...own, ...blockWeights(resolveCrossAttention(definition.name, injection, text, 1), text.hiddenSize)];
}

/**
 * Fresh weights for an adapter: matrices normal with deviation 1 / √(input width), norms 1, biases and gates 0. With
 * cross-attention a model with fresh weights answers as if the modality were not there.
 */
export function initialWeights<Input>({ definition }: Pick<Modality<Input>, "definition">, text: TextShape, options: { readonly seed: number }): Map<string, WeightData> {
  const normals = seededNormals(options.seed);
  return new Map(adapterWeights(definition as ModalityDefinition<unknown>, text).map(({ name, shape }) => {
    const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    if (shape.length > 1) values.forEach((_, index) => (values[index] = normals() / Math.sqrt(shape[1]!)));
    else if (name.endsWith(".weight")) values.fill(1);
    return [name, weightFromFloats(values, shape)];
  }));
}

function weightsOf(program: Program): AdapterWeight[] {
  return program.tensors.filter(({ role }) => role === "weight").map(({ name, shape }) => ({ name, shape: shape as readonly number[], gate: false }));
}

function blockWeights(cross: CrossAttention, hiddenSize: number): AdapterWeight[] {
  return cross.layers.flatMap(({ index }) => {
    const { attention, mlp } = crossWeights(cross, index, hiddenSize);
    return [attention, mlp ?? {}].flatMap((branch) => Object.entries<CrossWeight>(branch).map(([role, weight]) => ({ ...weight, gate: role === "gate" })));
  });
}
