export { PolywenError, type ErrorFacts, type PolywenErrorOptions } from "./errors/polywen-error.ts";
export {
  AbortedError,
  BackendLoadError,
  BusyError,
  DisposedError,
  IndexOutOfRangeError,
  InvalidArgumentError,
  InvalidFileError,
  InvalidProgramError,
  LimitExceededError,
  NotFoundError,
  NumericalError,
  OutOfMemoryError,
  UnsupportedError,
} from "./errors/errors.ts";
export { throwIfAborted } from "./errors/throw-if-aborted.ts";
export { findTensor } from "./find-tensor.ts";
export {
  type Backend,
  type Bindings,
  type CompiledProgram,
  type DeviceInfo,
  type DeviceSpeed,
  type ComputedBytes,
  type FileRange,
  type WeightPart,
  type LoadWeightsOptions,
  type LongCallOptions,
  type RunOptions,
  type Resource,
  type ResourceSpec,
  type WeightData,
  type WeightLocation,
  type Weights,
  locationByteLength,
  weightFromFloats,
} from "./backend.ts";
export {
  byteLengthOf,
  createTypedArray,
  isStorageDType,
  storageDTypes,
  storageFormatOf,
  storedByteLength,
  type DType,
  type StorageDType,
  type StorageFormat,
  type TypedArrayOf,
} from "./dtype.ts";
export { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16, roundToF16 } from "./float-conversion.ts";
export { lowerProgram, OPTIONAL_OPERATIONS } from "./lower-program.ts";
export { operandsOf, type Operands } from "./operands.ts";
export {
  PAGE_ROWS,
  SAMPLE_PARAMETERS,
  TOP_LOGPROBS,
  type ActivationFunction,
  type ActivationOperation,
  type AddOperation,
  type AttentionOperation,
  type EmbeddingOperation,
  type GatherOperation,
  type LayerNormOperation,
  type LinearOperation,
  type MultiplyOperation,
  type Operation,
  type OperationKind,
  type PackedKeys,
  type PagedKeys,
  type ReshapeOperation,
  type RmsNormOperation,
  type RotaryOperation,
  type SampleOperation,
  type StoreOperation,
  type SwigluOperation,
  type TensorId,
  type RouteOperation,
  type ExpertsOperation,
} from "./operations.ts";
export { ARENA_ALIGNMENT, planProgram, programByteLength, type MemoryPlan } from "./plan-program.ts";
export { ProgramBuilder, type KeySource, type SampleOutputs } from "./program-builder.ts";
export type { Program, TensorRole, TensorSpec } from "./program.ts";
export { createReferenceBackend } from "./reference/reference-backend.ts";
export {
  dividedBy,
  elementCount,
  formatShape,
  resolveExtent,
  times,
  type Dimension,
  type Extent,
  type Shape,
  type Sizes,
  type SymbolicExtent,
} from "./shape.ts";
export { decodeFloats } from "./storage/decode-floats.ts";
export { encodeUtf8, TextList } from "./text-list.ts";
export { capacitiesOf, validateProgram, validateSizes } from "./validate-program.ts";
export { validatePaging, validateResourceSpec } from "./validate-resource.ts";
export { computeBytes, validateWeight } from "./validate-weight.ts";
