import { crossAttention, defineModality, perceiverResampler } from "polywen";
import { z } from "zod";

const PATCH = 16;
const WIDTH = 32;
const HEADS = 2;

/** A time series of any length as eight rows beside the prompt. The encoder runs where the model runs. */
export const series = defineModality({
  name: "series",
  input: z.object({ values: z.array(z.number()).min(PATCH).max(65_536) }),
  limits: { maxItems: 4 },
  encoder: {
    kind: "program",
    dimensions: ["patches"],
    prepare: async ({ values }) => prepare(values),
    build(builder, capacities) {
      const patches = builder.dimension("patches", capacities["patches"] ?? 1);
      const input = builder.input("patchValues", "f32", [patches, PATCH + 2]);
      // A convolution over three patches: they are laid side by side, and a linear layer reads them together.
      const neighbours = builder.gather(input, builder.input("neighbours", "i32", [patches, 3]));
      const hidden = builder.activation("gelu", dense(builder, neighbours, WIDTH, "encoder.convolution"));
      const heads = (/** @type {string} */ name) => builder.reshape(dense(builder, hidden, WIDTH, `encoder.${name}`), [patches, HEADS, WIDTH / HEADS]);
      const spans = builder.input("spans", "i32", [patches, 2]);
      const attended = builder.attention({ query: heads("query"), source: { kind: "packed", keys: heads("key"), values: heads("value") }, spans, scale: (WIDTH / HEADS) ** -0.5 });
      return builder.add(hidden, dense(builder, builder.reshape(attended, [patches, WIDTH]), WIDTH, "encoder.output"));
    },
  },
  connector: perceiverResampler({ latents: 8, depth: 1, heads: 2, headWidth: 16 }),
  injection: crossAttention({ every: 2 }),
});

/** @type {(builder: import("polywen").ProgramBuilder, input: import("polywen").TensorSpec, out: number, name: string) => import("polywen").TensorSpec} */
function dense(builder, input, out, name) {
  return builder.linear(input, builder.weight(`${name}.weight`, [out, Number(input.shape[1])]), builder.weight(`${name}.bias`, [out]));
}

/**
 * Patches of 16 values with mean 0 and deviation 1, and behind them what that took away: mean and deviation of the whole.
 * @param {readonly number[]} values
 */
function prepare(values) {
  const patches = Math.floor(values.length / PATCH);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  const patchValues = new Float32Array(patches * (PATCH + 2));
  for (let patch = 0; patch < patches; patch++) {
    const row = values.slice(patch * PATCH, (patch + 1) * PATCH).map((value) => (value - mean) / deviation);
    patchValues.set([...row, mean, Math.log(deviation)], patch * (PATCH + 2));
  }
  const neighbours = Int32Array.from({ length: patches * 3 }, (_, index) => Math.floor(index / 3) + (index % 3) - 1).map((patch) => (patch < patches ? patch : -1));
  const spans = Int32Array.from({ length: patches * 2 }, (_, index) => (index % 2) * patches);
  return { features: { rows: patches }, sizes: { patches }, inputs: { patchValues, neighbours, spans } };
}
