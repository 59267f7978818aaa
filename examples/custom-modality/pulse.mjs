import { defineModality, linearConnector, weightFromFloats } from "polywen";
import { z } from "zod";

const FRAME = 8;

/** A modality of our own: a time series, cut into frames of 8 samples after bringing it to mean 0 and deviation 1. */
export const pulse = defineModality({
  name: "pulse",
  input: z.object({ samples: z.array(z.number()).min(2 * FRAME).max(4096) }),
  limits: { maxItems: 4, maxRows: 256 },
  encoder: {
    kind: "function",
    width: FRAME,
    encode: async ({ samples }) => {
      const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
      const deviation = Math.sqrt(samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / samples.length) || 1;
      const rows = Math.floor(samples.length / FRAME);
      return { rows, features: Float32Array.from(samples.slice(0, rows * FRAME), (value) => (value - mean) / deviation) };
    },
  },
  connector: linearConnector({ stack: 2 }),
});

/**
 * Connector weights drawn from a seed: untrained, but the same everywhere.
 * @param {number} hiddenSize Width of the text model.
 * @param {number} seed
 */
export function seededWeights(hiddenSize, seed) {
  const random = mulberry32(seed);
  const tensor = (/** @type {number[]} */ ...shape) => {
    const values = Float32Array.from({ length: shape.reduce((product, length) => product * length) }, () => (random() - 0.5) * 0.2);
    return weightFromFloats(values, shape);
  };
  return new Map([
    ["connector.weight", tensor(hiddenSize, 2 * FRAME)],
    ["connector.bias", tensor(hiddenSize)],
  ]);
}

/**
 * A small generator of uniform numbers in [0, 1), easily written in any language.
 * @param {number} state
 */
function mulberry32(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
