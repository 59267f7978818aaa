export { identityConnector, linearConnector, mlpConnector, stackRows, type Connector } from "./connector.ts";
export type { Encoder, Features, FunctionEncoder, PrepareOptions, PreparedMedium, ProgramEncoder } from "./encoder.ts";
export { mropeLayout, sequentialLayout, splitAtPlaceholders, type Layout, type LayoutPart, type LayoutRule } from "./layout.ts";
export type { EncodeOptions, MediaEncoderParts } from "./encoder-program.ts";
export { MediaEncoder } from "./media-encoder.ts";
export {
  defineModality,
  prefix,
  type BoundModality,
  type MediaPart,
  type Modality,
  type ModalityDefinition,
  type ModalityLimits,
  type ModalityWeights,
  type PrefixInjection,
} from "./modality.ts";
export { readMediaSource, type MediaBytes, type MediaSource, type ReadMediaOptions } from "./source/media-source.ts";
export type { NetworkAccess } from "./source/network-policy.ts";
export { NetworkError } from "./source/network-error.ts";
export { TimeSlices, untilAborted } from "./time-slices.ts";
