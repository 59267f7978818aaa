import type { RopeConfig, RopeScaling } from "./rope-config.ts";

/**
 * Inverse frequencies of a head of width `width` for a sequence of `length` tokens whose model was trained for
 * `trainedLength`. Only dynamic scaling and LongRoPE depend on the length. Computed in float32 steps like the reference.
 */
export function inverseFrequencies(rope: RopeConfig, width: number, length: number, trainedLength: number): Float32Array {
  const { scaling } = rope;
  const plain = frequenciesOf(rope.theta, width);
  switch (scaling.kind) {
    case "none":
      return plain;
    case "linear":
      return plain.map((frequency) => frequency / scaling.factor);
    case "dynamic":
      return frequenciesOf(dynamicBase(rope.theta, scaling.factor, width, Math.max(length, trainedLength), trainedLength), width);
    case "yarn":
      return yarnFrequencies(plain, rope.theta, width, scaling);
    case "llama3":
      return plain.map((frequency) => llama3Frequency(frequency, scaling));
    case "longrope": {
      const divisors = length > scaling.originalLength ? scaling.longFactors : scaling.shortFactors;
      return plain.map((frequency, index) => frequency / divisors[index]!);
    }
  }
}

/** The factor of cosine and sine: 1 but for YaRN and LongRoPE. */
export function rotaryScale({ scaling }: RopeConfig): number {
  return scaling.kind === "yarn" || scaling.kind === "longrope" ? scaling.attentionFactor : 1;
}

/**
 * Which position axis each frequency follows: all the first, or those of M-RoPE, section after section or interleaved. Interleaved,
 * frequency i follows axis i mod 3 as long as the section of that axis lasts, and the first axis where it is used up.
 */
export function rotaryAxes({ sections, interleaved = false }: RopeConfig, width: number): readonly number[] {
  if (sections === undefined) return Array.from({ length: width / 2 }, () => 0);
  if (!interleaved) return sections.flatMap((count, axis) => Array.from({ length: count }, () => axis));
  return Array.from({ length: width / 2 }, (_, index) => (index < sections[index % sections.length]! * sections.length ? index % sections.length : 0));
}

/** Longest sequence once scaling is applied; files differ in whether max_position_embeddings already counts it. */
export function scaledContextLength(rope: RopeConfig, trainedLength: number): number {
  const { scaling } = rope;
  if (scaling.kind === "yarn") return Math.max(trainedLength, Math.floor(scaling.originalLength * scaling.factor));
  return scaling.kind === "dynamic" ? Math.floor(trainedLength * scaling.factor) : trainedLength;
}

/** `base ^ (-2i / width)`. */
export function frequenciesOf(base: number, width: number): Float32Array {
  return Float32Array.from({ length: width / 2 }, (_, index) => 1 / Math.fround(base ** Math.fround((2 * index) / width)));
}

/** NTK-aware base that grows with the sequence, as in transformers. */
function dynamicBase(theta: number, factor: number, width: number, length: number, trainedLength: number): number {
  return theta * ((factor * length) / trainedLength - (factor - 1)) ** (width / (width - 2));
}

function yarnFrequencies(plain: Float32Array, theta: number, width: number, scaling: Extract<RopeScaling, { kind: "yarn" }>): Float32Array {
  const dimensionOf = (turns: number): number => (width * Math.log(scaling.originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, last] = [dimensionOf(scaling.betaFast), dimensionOf(scaling.betaSlow)];
  const low = Math.max(scaling.truncate ? Math.floor(first) : first, 0);
  const bounded = Math.min(scaling.truncate ? Math.ceil(last) : last, width - 1);
  const high = bounded === low ? bounded + 0.001 : bounded;
  return plain.map((frequency, index) => {
    const ramp = Math.min(Math.max((index - low) / (high - low), 0), 1);
    return (frequency / scaling.factor) * ramp + frequency * (1 - ramp);
  });
}

function llama3Frequency(frequency: number, { factor, lowFrequencyFactor, highFrequencyFactor, originalLength }: Extract<RopeScaling, { kind: "llama3" }>): number {
  const turns = (originalLength * frequency) / (2 * Math.PI);
  const kept = Math.min(Math.max((turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor), 0), 1);
  return (1 - kept) * (frequency / factor) + kept * frequency;
}
