import type { FeatureExtractorConfig } from "@polywen/formats";
import { UnsupportedError } from "@polywen/tensor";
import { defaultAudioLimits, type AudioOptions } from "./audio-limits.ts";
import { decodeAudio, type AudioInput } from "./decode-audio.ts";
import { logMelFeatures, type LogMel, type LogMelOptions } from "./log-mel.ts";
import { resample } from "./resample.ts";

/** Sound ready for the audio tower. */
export interface PreprocessedAudio extends LogMel {
  /** Samples of the sound at the rate of the model. */
  readonly sampleCount: number;
  /** True if the sound had another rate. */
  readonly resampled: boolean;
}

/** Sound beyond the cut that resampling still looks at, so that cutting before it gives what cutting after it would. */
const marginSeconds = 1;

/**
 * Decodes a sound, averages its channels, resamples it and computes its log-mel features as the feature extractor of transformers
 * does. The duration limit is `limits.maxSeconds` or the model's window, whichever is shorter; `overlong: "cut"` cuts there, as
 * transformers does. Every field of `config` is used or refused.
 * Throws what `decodeAudio` throws, and UnsupportedError for a configuration that is not covered.
 */
export async function preprocessAudio(source: AudioInput, config: FeatureExtractorConfig, options: AudioOptions & LogMelOptions = {}): Promise<PreprocessedAudio> {
  requireSupported(config);
  const limits = { ...defaultAudioLimits, ...options.limits };
  const seconds = Math.min(limits.maxSeconds, config.chunkLength);
  const maxSeconds = options.overlong === "cut" ? seconds + marginSeconds : seconds;
  const sound = await decodeAudio(source, { ...options, limits: { ...limits, maxSeconds } });
  const resampled = await resample(sound, config.samplingRate, options.signal);
  const samples = resampled.samples.subarray(0, Math.ceil(seconds * config.samplingRate));
  const features = await logMelFeatures(samples, config, options);
  return { ...features, sampleCount: samples.length, resampled: resampled !== sound };
}

function requireSupported({ samplingRate, featureSize, fftSize, hopLength, chunkLength, paddingValue, dither }: FeatureExtractorConfig): void {
  const refuse = (feature: string): never => {
    throw new UnsupportedError({ feature: `A feature extractor with ${feature}` });
  };
  if (samplingRate !== 16_000) refuse(`sampling_rate ${samplingRate}`);
  if (paddingValue !== 0) refuse(`padding_value ${paddingValue}`);
  if (dither !== 0) refuse(`dither ${dither}`);
  // Far beyond what models use; bounds time and memory that a hostile configuration can ask for.
  if (featureSize > 512) refuse(`feature_size ${featureSize}`);
  if (fftSize % 4 !== 0 || fftSize > 4096 || fftSize > chunkLength * samplingRate) refuse(`n_fft ${fftSize}`);
  if (hopLength > fftSize || hopLength * 8 < fftSize) refuse(`hop_length ${hopLength} and n_fft ${fftSize}`);
}
