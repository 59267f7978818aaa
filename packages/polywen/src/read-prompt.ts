import { resolveSampling, type PromptRows } from "@polywen/core";
import { AbortedError } from "@polywen/tensor";
import type { ModelParts } from "./model-parts.ts";
import { textPrompt } from "./prompt/text-prompt.ts";

/** Reads a text without continuing it and hands on what the model computes for its rows. Rejects with `AbortedError` if stopped. */
export async function readPrompt(parts: ModelParts, ids: readonly number[], promptRows: PromptRows, operation: string, signal: AbortSignal | undefined): Promise<void> {
  const sampling = resolveSampling({ temperature: 0, seed: 0 });
  const stream = parts.engine.generate({ prompt: textPrompt(parts, ids), maxTokens: 0, sampling, stopTokens: new Set(), signal, promptRows });
  for await (const token of stream) void token;
  if (stream.finish === "aborted") throw new AbortedError({ operation }, { cause: signal?.reason });
}
