import { defineModality, linearConnector } from "polywen";
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
