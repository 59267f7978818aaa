import { collectWeights, mediaRowsNames, stepLimits, type StepLimits } from "@polywen/core";
import { MediaEncoder, MediaKeys } from "@polywen/cross-modal";
import type { Checkpoint } from "@polywen/formats";
import { kvBytesPerRow, pagesFor } from "@polywen/kv-cache";
import { InvalidArgumentError, lowerProgram, OutOfMemoryError, PAGE_ROWS, programByteLength, type Backend, type Program, type ResourceSpec, type WeightData } from "@polywen/tensor";
import { availableMemory } from "./available-memory.ts";
import type { Family } from "./families/family.ts";
import { loadFamily } from "./families/registry.ts";
import type { LoadModelOptions } from "./model-options.ts";
import { openModelSource } from "./model-source.ts";
import { findCrossWeights, liveCrossAttention, planModalities, type PlannedModality } from "./plan-modalities.ts";
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
  readonly modalities: readonly PlannedModality[];
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
export async function planModel(parts: MemoryParts, backend: Backend, options: LoadModelOptions): Promise<PlannedModel> {
  const { family, checkpoint } = parts;
  const slots = mediaSlots(family, options);
  const modalities = await planModalities(parts, options, pagesFor(slots));
  const limits = stepLimits(family.text, options, slots, liveCrossAttention(modalities));
  const program = family.text.buildStep(limits);
  const stored = await collectWeights([program], checkpoint, family.text.weightNaming, await findCrossWeights(program, modalities));
  const weights = weightBytes(backend, [stored, ...(await modalityWeights(parts, modalities, limits))]);
  const cache = limits.pages * PAGE_ROWS * kvBytesPerRow({ ...family.text.kv, dtype: limits.kvDType }) + crossKeyBytes(limits);
  const rows = limits.mediaSlots * family.text.hiddenSize * family.text.mediaLevels * Float32Array.BYTES_PER_ELEMENT;
  const step = programByteLength(lowerProgram(program, (kind) => backend.supports(kind))) + rows;
  return { limits, program, stored, modalities, memory: { weights, cache, step, total: weights + cache + step, available: availableMemory() } };
}

function weightBytes(backend: Backend, maps: readonly ReadonlyMap<string, WeightData>[]): number {
  return maps.reduce((sum, weights) => [...weights.values()].reduce((bytes, weight) => bytes + backend.weightByteLength(weight), sum), 0);
}

/** Weights of encoders and connectors, and of what computes keys and values of media. */
async function modalityWeights({ family }: MemoryParts, modalities: readonly PlannedModality[], limits: StepLimits): Promise<ReadonlyMap<string, WeightData>[]> {
  const media = mediaSpecs(limits, family);
  const found: ReadonlyMap<string, WeightData>[] = [];
  for (const { definition, source, cross, sharedWith } of modalities) {
    if (sharedWith === undefined) found.push(await MediaEncoder.findWeights(definition, source, media));
    if (cross !== undefined) found.push(await MediaKeys.findWeights(cross.attention, source, { kvDType: limits.kvDType, epsilon: family.text.epsilon }, media[0]!));
  }
  return found;
}

function crossKeyBytes({ cross, kvDType }: StepLimits): number {
  return cross.reduce((sum, { layers, keyHeads, headWidth, pages }) => {
    const attending = layers.filter(({ attention }) => attention).length;
    return sum + pages * PAGE_ROWS * kvBytesPerRow({ layers: attending, heads: keyHeads, width: headWidth, dtype: kvDType });
  }, 0);
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
