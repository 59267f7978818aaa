import { textShapeOf, type TextShape } from "@polywen/cross-modal";
import type { Checkpoint } from "@polywen/formats";
import { kvBytesPerRow } from "@polywen/kv-cache";
import { PolywenError } from "@polywen/tensor";
import { estimateParts, type MemoryEstimate } from "./estimate-memory.ts";
import type { Family } from "./families/family.ts";
import { loadFamily } from "./families/registry.ts";
import { openModelSource, type ModelSourceOptions } from "./model-source.ts";

/** Tensors that a checkpoint stores in one element type. */
export interface StoredDType {
  /** As its format names it: `BF16`, `Q4_K`. */
  readonly dtype: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
}

/** What a model holds. Sizes in bytes. */
export interface ModelSummary {
  readonly path: string;
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** The text decoder; undefined if this version does not know the architecture. */
  readonly architecture:
    | (TextShape & {
        readonly vocabularySize: number;
        readonly contextLength: number;
        /** Axes of a position: 1, or 3 with M-RoPE. */
        readonly positionAxes: number;
        /** Keys that windowed layers see; undefined if there are none. */
        readonly window: number | undefined;
      })
    | undefined;
  /** `text` and the modalities that come with the checkpoint; empty for an unknown architecture. */
  readonly modalities: readonly string[];
  /** Elements of all tensors. */
  readonly parameters: number;
  readonly tensors: { readonly count: number; readonly bytes: number; readonly dtypes: readonly StoredDType[] };
  readonly tokenizer: { readonly vocabularySize: number; readonly addedTokens: number };
  readonly chatTemplate: boolean;
  readonly memory: {
    /** What loading it with default options would occupy; undefined for a model that cannot be loaded, and then a warning says why. */
    readonly estimate: MemoryEstimate | undefined;
    readonly cachePerToken: { readonly f32: number; readonly bf16: number } | undefined;
  };
  /** What a user should know, in whole sentences. */
  readonly warnings: readonly string[];
}

/** Describes a model folder, a GGUF file or `"polywen/tiny"` from its small files and the headers of its weights. Throws as `loadModel` does for these files. */
export async function inspectModel(source: string, options: ModelSourceOptions = {}): Promise<ModelSummary> {
  const opened = await openModelSource(source, options);
  const { folder } = opened;
  const checkpoint = await opened.openCheckpoint();
  const { tokenizer, template } = await opened.loadTokenizer();
  template?.dispose();
  const known = await orWarning(() => loadFamily(folder, {}));
  const estimated = known.value === undefined ? {} : await orWarning(() => estimateParts({ family: known.value!, checkpoint }, {}));
  const dtypes = storedDTypes(checkpoint);
  const bytes = dtypes.reduce((sum, dtype) => sum + dtype.bytes, 0);
  return {
    path: folder.path,
    modelType: folder.modelType,
    ...describeFamily(known.value, estimated.value),
    parameters: dtypes.reduce((sum, dtype) => sum + dtype.parameters, 0),
    tensors: { count: checkpoint.tensors.size, bytes, dtypes },
    tokenizer: { vocabularySize: tokenizer.vocabularySize, addedTokens: tokenizer.addedTokens.length },
    chatTemplate: template !== undefined,
    warnings: [...folder.warnings, ...[known.warning, estimated.warning].filter((warning) => warning !== undefined)],
  };
}

/** A folder can be described although it cannot be loaded: its architecture is not supported, or a tensor is missing. That is then the warning. */
async function orWarning<T>(work: () => Promise<T>): Promise<{ value?: T; warning?: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (PolywenError.isInstance(error) && (error.code === "UNSUPPORTED" || error.code === "NOT_FOUND")) return { warning: error.message };
    throw error;
  }
}

function describeFamily(family: Family | undefined, estimate: MemoryEstimate | undefined): Pick<ModelSummary, "architecture" | "modalities" | "memory"> {
  if (family === undefined) return { architecture: undefined, modalities: [], memory: { estimate, cachePerToken: undefined } };
  const { kv, vocabularySize, contextLength, positionAxes, window } = family.text;
  return {
    architecture: { ...textShapeOf(family.text), vocabularySize, contextLength, positionAxes, window },
    modalities: ["text", ...family.modalities.map(({ definition }) => definition.name)],
    memory: { estimate, cachePerToken: { f32: kvBytesPerRow({ ...kv, dtype: "f32" }), bf16: kvBytesPerRow({ ...kv, dtype: "bf16" }) } },
  };
}

/** Most bytes first. */
function storedDTypes({ tensors }: Checkpoint): StoredDType[] {
  const found = new Map<string, StoredDType>();
  for (const { dtype, shape, byteLength } of tensors.values()) {
    const sum = found.get(dtype) ?? { dtype, tensors: 0, parameters: 0, bytes: 0 };
    const parameters = shape.reduce((product, length) => product * length, 1);
    found.set(dtype, { dtype, tensors: sum.tensors + 1, parameters: sum.parameters + parameters, bytes: sum.bytes + byteLength });
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes);
}
