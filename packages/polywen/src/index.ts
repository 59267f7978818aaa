export { audio, audioWindows, image, video, type ContentPart, type Message, type Prompt, type Role, type VideoOptions } from "./content.ts";
export type { EmbedOptions } from "./compute-embeddings.ts";
export type { Perplexity, PerplexityOptions } from "./compute-perplexity.ts";
export type { Logits, LogitsInput, MediumTrace } from "./compute-logits.ts";
export { EncoderModel, type EncodedMedium, type EncoderInfo } from "./encoder-model.ts";
export { supportedEncoderTypes } from "./families/encoder-registry.ts";
export { supportedModelTypes } from "./families/registry.ts";
export type { MediaOptions } from "./families/family.ts";
export { estimateMemory, type MemoryEstimate } from "./estimate-memory.ts";
export { Generation, type Reply, type ReplyPart, type ReplyWarning, type Timings, type Usage } from "./generation.ts";
export { inspectMedia, type AudioSummary, type ImageSummary, type InspectMediaOptions, type MediaSummary } from "./inspect-media.ts";
export { inspectModel, type ModelSummary, type StoredDType } from "./inspect-model.ts";
export { isEncoder, loadEncoder, type LoadEncoderOptions } from "./load-encoder.ts";
export { loadModel } from "./load-model.ts";
export type { GenerateOptions, LoadModelOptions } from "./model-options.ts";
export { Model, type ModelInfo } from "./model.ts";
export type { ModelSourceOptions } from "./model-source.ts";
export { openEncoder } from "./open-encoder.ts";
export { openTokenizer } from "./open-tokenizer.ts";
export { readTextShape } from "./read-text-shape.ts";
export { EMBEDDED_MODEL } from "./resolve-source.ts";
export { benchmarkTokens, type Benchmark, type BenchmarkInput, type TimedTokens } from "./run-benchmark.ts";
export { selectBackend, type Activations, type BackendName, type SelectedBackend } from "./select-backend.ts";
export {
  crossAttention,
  defineModality,
  identityConnector,
  initialWeights,
  linearConnector,
  mlpConnector,
  NetworkError,
  perceiverResampler,
  pixelShuffleConnector,
  prefix,
  saveModality,
  type BoundModality,
  type Connector,
  type Encoder,
  type Injection,
  type MediaCacheInfo,
  type MediaPart,
  type Modality,
  type ModalityDefinition,
  type NetworkAccess,
  type TextShape,
} from "@polywen/cross-modal";
export { PolywenError, weightFromFloats, type ProgramBuilder, type TensorSpec, type WeightData } from "@polywen/tensor";
