import { resolveSampling, type EnginePrompt, type PromptRows } from "@polywen/core";
import { AbortedError } from "@polywen/tensor";
import type { ModelParts } from "./model-parts.ts";

/** How a prompt is read. */
export interface ReadOptions {
  readonly promptRows: PromptRows;
  /** Tokens to continue greedily, not stopped by end tokens. Default 0. */
  readonly maxTokens?: number | undefined;
  /** Names the work in errors. */
  readonly operation: string;
  readonly signal: AbortSignal | undefined;
}

/** Hands on what the model computes for the rows of a prompt, and returns the greedy continuation. Rejects with `AbortedError` if stopped. */
export async function readPrompt({ engine }: ModelParts, prompt: EnginePrompt, { promptRows, maxTokens = 0, operation, signal }: ReadOptions): Promise<number[]> {
  const sampling = resolveSampling({ temperature: 0, seed: 0 });
  const stream = engine.generate({ prompt, maxTokens, sampling, stopTokens: new Set(), signal, promptRows });
  const greedy: number[] = [];
  for await (const { id } of stream) greedy.push(id);
  if (stream.finish === "aborted") throw new AbortedError({ operation }, { cause: signal?.reason });
  return greedy;
}
