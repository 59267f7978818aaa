export { preprocessAudio, type PreprocessedAudio } from "./audio-processor.ts";
export {
  decodeAudio,
  defaultAudioLimits,
  type AudioLimits,
  type AudioOptions,
  type AudioSource,
  type MonoSound,
  type RawSamples,
} from "./decode-audio.ts";
export { logMelFeatures, type LogMel, type LogMelConfig } from "./log-mel.ts";
export { resample } from "./resample.ts";
export { audioProjection } from "./omni/audio-projection.ts";
export { parseOmniAudioConfig, type OmniAudioConfig } from "./omni/omni-audio-config.ts";
export { omniAudioEncoder, type OmniAudioEncoderOptions } from "./omni/omni-audio-encoder.ts";
