import type { EnginePrompt } from "@polywen/core";
import type { ModelParts } from "../model-parts.ts";

/** Ids of a text as a prompt. None of them stands for a medium. */
export function textPrompt({ layout }: Pick<ModelParts, "layout">, ids: readonly number[]): EnginePrompt {
  const { ids: rows, positions, nextPosition } = layout([{ kind: "text", ids }]);
  return { ids: rows, positions, nextPosition };
}
