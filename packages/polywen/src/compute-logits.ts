import type { MediaPart, PreparedMedium } from "@polywen/cross-modal";
import { OutOfMemoryError } from "@polywen/tensor";
import type { ModelParts } from "./model-parts.ts";
import { encodeMedia } from "./prompt/encode-media.ts";
import { prepareIds } from "./prompt/prepare-prompt.ts";
import { readPrompt } from "./read-prompt.ts";

/** Input of `Model.logits`. */
export interface LogitsInput {
  /** Token ids with one placeholder for each medium, in order; no chat template is applied. */
  readonly ids: readonly number[];
  readonly media?: readonly MediaPart[];
  /** Tokens to continue greedily, not stopped by end tokens. Default 0. */
  readonly maxTokens?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a medium was turned into. */
export interface MediumTrace extends PreparedMedium {
  readonly modality: string;
  /** Rows that replaced the placeholders: [rows, hidden size]. */
  readonly features: Float32Array;
  /** Rows that are added after the first layers, of text models that read several levels; each [rows, hidden size]. */
  readonly deeper: readonly Float32Array[];
}

/** Output of `Model.logits`. */
export interface Logits {
  /** [rows]: expanded ids. */
  readonly ids: Int32Array;
  /** [rows, vocabulary] */
  readonly logits: Float32Array;
  readonly vocabularySize: number;
  /** Plain argmax continuation. */
  readonly greedy: Int32Array;
  /** [rows, axes] */
  readonly positions: Int32Array;
  readonly positionAxes: number;
  readonly media: readonly MediumTrace[];
}

/** The logits of every row of a prompt, and what led to them: for checking a model against another implementation. */
export async function computeLogits(parts: ModelParts, input: LogitsInput): Promise<Logits> {
  const { vocabularySize, positionAxes } = parts.engine.model;
  const prepared = await prepareIds(parts, input.ids, input.media ?? [], input.signal);
  const levels: (readonly Float32Array[])[] = [];
  const logits = allocate(prepared.layout.ids.length * vocabularySize);
  const { prompt, release } = await encodeMedia(parts, prepared, { signal: input.signal, onRows: (medium, rows) => void (levels[medium] = rows.map((level) => level.slice())) });
  try {
    const greedy = await readPrompt(parts, prompt, {
      promptRows: { from: 0, receive: (row, values) => logits.set(values.logits, row * vocabularySize) },
      maxTokens: input.maxTokens,
      operation: "Computing logits",
      signal: input.signal,
    });
    const media = prepared.media.map((medium, index): MediumTrace => {
      const [features, ...deeper] = levels[index]!;
      return { ...medium.prepared, modality: medium.name, features: features!, deeper };
    });
    return { ids: prompt.ids, logits, vocabularySize, greedy: Int32Array.from(greedy), positions: prompt.positions, positionAxes, media };
  } finally {
    release();
  }
}

function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length);
  } catch (cause) {
    throw new OutOfMemoryError({ what: "The logits of every row", requested: length * Float32Array.BYTES_PER_ELEMENT }, { cause });
  }
}
