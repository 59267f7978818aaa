import { collectWeights, mediaRowsNames, stepLimits, type StepLimits } from "@polywen/core";
import { MediaEncoder } from "@polywen/cross-modal";
import type { Checkpoint } from "@polywen/formats";
import { kvBytesPerRow } from "@polywen/kv-cache";
import { InvalidArgumentError, lowerProgram, OutOfMemoryError, PAGE_ROWS, programByteLength, type Backend, type Program, type ResourceSpec, type WeightData } from "@polywen/tensor";
import { availableMemory } from "./available-memory.ts";
import type { Family } from "./families/family.ts";
import { loadFamily } from "./families/registry.ts";
import type { LoadModelOptions } from "./model-options.ts";
import { openModelSource } from "./model-source.ts";
import { openBackend } from "./select-backend.ts";

/** What a loaded model will occupy, and what there is. All in bytes. */
export interface MemoryEstimate {
  /** All weights as the backend lays them out, those of encoders of media among them. */
  readonly weights: number;
  /** Keys and values of `cacheTokens` tokens. */
  readonly cache: number;
  /** Inputs, outputs and temporaries of a step, and the rows of media. An encoder takes more while it reads a large medium. */
  readonly step: number;
  /** The sum. The process itself, its code and the vocabulary come on top: 60 to 150 MB. */
  readonly total: number;
  /** What this process may still occupy; a limit of its control group counts. */
  readonly available: number;
}

/** The parts of a model of which the estimate is made. */
export interface MemoryParts {
  readonly family: Family;
  readonly checkpoint: Checkpoint;
}

/** A model's step program with its limits and weights: what loading starts from. */
export interface PlannedModel {
  readonly limits: StepLimits;
  readonly program: Program;
  readonly stored: ReadonlyMap<string, WeightData>;
  readonly memory: MemoryEstimate;
}

/**
 * Says what `loadModel` with these options would occupy. Reads small files and headers, no weights but those of a few
 * convolutions. Throws as `loadModel` does, except that a model may be too large.
 */
export async function estimateMemory(source: string, options: LoadModelOptions = {}): Promise<MemoryEstimate> {
  const opened = await openModelSource(source, options);
  return estimateParts({ family: await loadFamily(opened.folder, options.media ?? {}), checkpoint: await opened.openCheckpoint() }, options);
}

/** As `estimateMemory`, of a model that is open. */
export async function estimateParts(parts: MemoryParts, options: LoadModelOptions): Promise<MemoryEstimate> {
  const { backend, ownsBackend } = await openBackend(options);
  try {
    return (await planModel(parts, backend, options)).memory;
  } finally {
    if (ownsBackend) await backend.dispose();
  }
}

/** Builds the step program, finds its weights, and adds up what all of it will occupy. */
export async function planModel({ family, checkpoint }: MemoryParts, backend: Backend, options: LoadModelOptions): Promise<PlannedModel> {
  const limits = stepLimits(family.text, options, mediaSlots(family, options));
  const program = family.text.buildStep(limits);
  const stored = await collectWeights([program], checkpoint, family.text.weightNaming);
  const media = mediaSpecs(limits, family);
  const owners = family.modalities.filter(({ sharedWith }) => sharedWith === undefined);
  const modalities = limits.mediaSlots === 0 ? [] : [...owners.map(({ definition }) => ({ definition, weights: checkpoint })), ...(options.modalities ?? [])];
  const bytesOf = (weights: ReadonlyMap<string, WeightData>): number => [...weights.values()].reduce((sum, weight) => sum + backend.weightByteLength(weight), 0);
  let weights = bytesOf(stored);
  for (const modality of modalities) weights += bytesOf(await MediaEncoder.findWeights(modality, media));
  const cache = limits.pages * PAGE_ROWS * kvBytesPerRow({ ...family.text.kv, dtype: limits.kvDType });
  const rows = limits.mediaSlots * family.text.hiddenSize * family.text.mediaLevels * Float32Array.BYTES_PER_ELEMENT;
  const step = programByteLength(lowerProgram(program, (kind) => backend.supports(kind))) + rows;
  return { limits, program, stored, memory: { weights, cache, step, total: weights + cache + step, available: availableMemory() } };
}

/** The resources that hold rows of media, one for each level that the text model reads. */
export function mediaSpecs(limits: StepLimits, { text }: Family): readonly ResourceSpec[] {
  return mediaRowsNames(text.mediaLevels).map((name) => ({ name, dtype: "f32", shape: [limits.mediaSlots, text.hiddenSize], paged: false }));
}

/** The system would kill the process, or swap for ever, long after a small program could have said so. */
export function refuseWhatCannotFit(path: string, { weights, cache, step, total, available }: MemoryEstimate): void {
  if (total <= available) return;
  throw new OutOfMemoryError(
    { what: `${path} (${weights} bytes of weights, ${cache} of cache, ${step} of step buffers)`, requested: total, available },
    { hint: "Use a smaller model, fewer cacheTokens or fewer mediaRows, or end what else takes memory." },
  );
}

function mediaSlots({ modalities: own }: Family, { modalities = [], mediaRows = 8192 }: LoadModelOptions): number {
  if (!Number.isSafeInteger(mediaRows) || mediaRows < 1) throw new InvalidArgumentError({ argument: "mediaRows", expected: "a positive integer", received: mediaRows });
  return own.length + modalities.length === 0 ? 0 : mediaRows;
}
