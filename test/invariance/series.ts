import { crossAttention, defineModality, initialWeights, linearConnector, perceiverResampler, prefix, weightFromFloats, type Connector, type Injection, type Modality, type TextShape, type WeightData } from "polywen";

/** Shape of the embedded model's text part. */
export const tinyText: TextShape = { hiddenSize: 192, mediaLevels: 1, layers: 4, heads: 6, keyHeads: 2, headWidth: 32, intermediateSize: 512 };

/** How a series of numbers may reach the text model. */
export const injections: Readonly<Record<"prefix" | "latest" | "all-previous", Injection>> = {
  prefix: prefix(),
  latest: crossAttention({ every: 2 }),
  "all-previous": crossAttention({ layers: [0, 3], heads: 4, keyHeads: 2, headWidth: 16, intermediateSize: 64, attend: "all-previous" }),
};

/** A modality of rows of four numbers each. */
export function series(injection: Injection, options: { readonly name?: string; readonly connector?: Connector } = {}): Modality<readonly number[]> {
  return defineModality({
    name: options.name ?? "series",
    encoder: { kind: "function", width: 4, encode: async (input) => ({ rows: input.length / 4, features: Float32Array.from(input) }) },
    connector: options.connector ?? linearConnector(),
    injection,
  });
}

/** A series as the resampler sees it: any number of rows become five. */
export const resampled: Connector = perceiverResampler({ latents: 5, heads: 2, headWidth: 8 });

/** Fresh weights with gates that were opened, or left shut. */
export function weightsOf(modality: Modality<readonly number[]>, gate: number, seed = 3): Map<string, WeightData> {
  const fresh = initialWeights(modality, tinyText, { seed });
  return new Map([...fresh].map(([name, weight]) => [name, name.endsWith("_gate") ? weightFromFloats(Float32Array.of(gate), [1]) : weight]));
}

/** A series that a seed stands for. */
export function numbers(rows: number, seed: number): number[] {
  return Array.from({ length: rows * 4 }, (_, index) => 3 * Math.sin(seed * 7.3 + index * (1 + seed / 10)));
}
