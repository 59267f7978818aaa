export { openCheckpoint, type Checkpoint } from "./checkpoint.ts";
export { refuseField, sizeSchema, type ConfigFields } from "./config-field.ts";
export { FileAccessError, systemCode } from "./file-access-error.ts";
export { findInFolder } from "./folder-file.ts";
export { readGenerationConfig, type GenerationConfig } from "./generation-config.ts";
export {
  fileSizeLimits,
  isJsonObject,
  parseWith,
  readJsonFile,
  readJsonObject,
  readTextFile,
  type FileKind,
  type JsonObject,
  type JsonValue,
} from "./json-file.ts";
export { configFromGguf, type GgufConfigSource } from "./gguf/gguf-config.ts";
export type { GgufDtype } from "./gguf/gguf-dtype.ts";
export type { GgufHeader } from "./gguf/gguf-header.ts";
export type { GgufArray, GgufValue } from "./gguf/gguf-value.ts";
export { openGguf, type GgufModel, type OpenGgufOptions } from "./gguf/open-gguf.ts";
export { readGgufHeader } from "./gguf/read-gguf-header.ts";
export { jsonPointer } from "./json-pointer.ts";
export { openModelFolder, type ModelFiles, type ModelFolder } from "./model-folder.ts";
export { readQuantised } from "./quantised/quantised-checkpoint.ts";
export {
  readPreprocessor,
  readPreprocessorConfig,
  readVideoProcessorConfig,
  type PixelBounds,
  type FeatureExtractorConfig,
  type ImageProcessorConfig,
  type PreprocessorConfig,
} from "./preprocessor-config.ts";
export { readSafetensorsHeader } from "./read-safetensors-header.ts";
export { isSafetensorsDtype, safetensorsDtypeSizes, tensorByteLength, type SafetensorsDtype } from "./safetensors-dtype.ts";
export type { SafetensorsHeader, TensorEntry } from "./safetensors-header.ts";
export { writeSafetensors, type SafetensorsTensor } from "./write-safetensors.ts";
export { readFileRange, readWholeFile } from "./regular-file.ts";
export { writeAtomically } from "./write-atomically.ts";
