import { expect, test } from "vitest";
import { inverseFrequencies, rotaryAxes, rotaryScale } from "./inverse-frequencies.ts";
import { parseRopeConfig, type RopeFields } from "./rope-config.ts";

/** Frequencies of a head of 16, and the factor, as `ROPE_INIT_FUNCTIONS` of transformers 5.23 computes them for `LlamaConfig`. */
const published: readonly (readonly [name: string, fields: RopeFields, length: number, scale: number, frequencies: readonly number[]])[] = [
  [
    "llama3: short wavelengths kept, long ones stretched, those between blended",
    { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 256 },
    10,
    1,
    [1, 0.3162277638912201, 0.10000000149011612, 0.006613106932491064, 0.0012499999720603228, 0.00039528473280370235, 0.0001250000059371814, 3.9528473280370235e-05],
  ],
  [
    "longrope up to the trained length",
    { rope_type: "longrope", short_factor: [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], long_factor: [2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5], original_max_position_embeddings: 1024 },
    1024,
    1.0954451150103321,
    [1, 0.2874797582626343, 0.0833333358168602, 0.024325214326381683, 0.0071428571827709675, 0.0021081853192299604, 0.0006249999860301614, 0.0001860163320088759],
  ],
  [
    "longrope beyond it",
    { rope_type: "longrope", short_factor: [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], long_factor: [2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5], original_max_position_embeddings: 1024 },
    1025,
    1.0954451150103321,
    [0.5, 0.12649111449718475, 0.03333333507180214, 0.009035078808665276, 0.0024999999441206455, 0.0007027284009382129, 0.00019999999494757503, 5.749595584347844e-05],
  ],
];

test.each(published)("%s", (_name, fields, length, scale, frequencies) => {
  const refuse = (field: string): never => expect.fail(field);
  const rope = parseRopeConfig({ rope_theta: 10_000, rope_scaling: fields, max_position_embeddings: 4096 }, { defaultTheta: 1, headWidth: 16, refuse });
  expect(rotaryScale(rope)).toBeCloseTo(scale, 12);
  inverseFrequencies(rope, 16, length, 4096).forEach((frequency, index) => expect(frequency / frequencies[index]!).toBeCloseTo(1, 6));
});

/** `apply_interleaved_mrope` of transformers 5.23 for Qwen3-VL: h at 1, 4, … below 3 × its count, w at 2, 5, …, and t everywhere else. */
test.each([
  { sections: [2, 1, 1], interleaved: false, axes: [0, 0, 1, 2] },
  { sections: [4, 2, 2], interleaved: true, axes: [0, 1, 2, 0, 1, 2, 0, 0] },
  { sections: [3, 3, 2], interleaved: true, axes: [0, 1, 2, 0, 1, 2, 0, 1] },
  { sections: [0, 1, 3], interleaved: true, axes: [0, 1, 2, 0] },
])("frequencies of M-RoPE follow axes $axes", ({ sections, interleaved, axes }) => {
  expect(rotaryAxes({ theta: 1e6, scaling: { kind: "none" }, sections, interleaved }, 2 * axes.length)).toEqual(axes);
});
