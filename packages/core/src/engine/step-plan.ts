import type { StepLimits } from "../text-model.ts";
import type { Sequence } from "./sequence.ts";

/** The part of a sequence that one step computes: rows `first … first + count - 1`. */
export interface StepPart {
  readonly sequence: Sequence;
  readonly first: number;
  readonly count: number;
  /** Rows of this part, counted from `first`, whose logits are wanted. */
  readonly outputs: readonly number[];
}

/**
 * Shares the rows of a step: sequences that generate get their one row first, so that a long prompt never holds
 * them up; prompts share the rest in the order of their arrival.
 */
export function planStep(active: readonly Sequence[], limits: Pick<StepLimits, "rows" | "outputs">): readonly StepPart[] {
  const parts: StepPart[] = [];
  let [rows, outputs] = [limits.rows, limits.outputs];
  const waiting = (sequence: Sequence): number => sequence.ids.length - sequence.cached;
  for (const sequence of [...active].sort((left, right) => Number(waiting(left) > 1) - Number(waiting(right) > 1))) {
    const { promptRows } = sequence.request;
    // Rows of this step before the first whose results are wanted; without any wanted, the last one only is.
    const unwanted = promptRows === undefined || sequence.generated > 0 ? waiting(sequence) - 1 : Math.max(promptRows.from - sequence.cached, 0);
    const count = Math.min(waiting(sequence), rows, unwanted + outputs);
    if (count === 0) continue;
    const wanted = Array.from({ length: Math.max(count - unwanted, 0) }, (_, index) => unwanted + index);
    parts.push({ sequence, first: sequence.cached, count, outputs: wanted });
    rows -= count;
    outputs -= wanted.length;
  }
  return parts;
}
