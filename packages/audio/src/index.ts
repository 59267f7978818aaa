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
export { logMelFeatures, type LogMel, type LogMelConfig, type LogMelOptions } from "./log-mel.ts";
export { resample } from "./resample.ts";
export { spectrogramPicture, type SpectrogramPicture } from "./spectrogram-picture.ts";
export { audioProjection } from "./omni/audio-projection.ts";
export { parseOmniAudioConfig, type OmniAudioConfig } from "./omni/omni-audio-config.ts";
export { omniAudioEncoder, type OmniAudioEncoderOptions } from "./omni/omni-audio-encoder.ts";
export { qwen2AudioEncoder, qwen2AudioProjector, type Qwen2AudioEncoderOptions } from "./qwen2-audio/qwen2-audio-encoder.ts";
export { parseWhisperEncoderConfig, qwenTowerDefaults, whisperDefaults, type WhisperDefaults, type WhisperEncoderConfig, type WhisperSizes } from "./whisper/whisper-config.ts";
export { whisperEncoder, type WhisperEncoderOptions } from "./whisper/whisper-encoder.ts";
