import { SAMPLE_PARAMETERS, type CompiledProgram, type Sizes } from "@polywen/tensor";
import { CrossWriter } from "../cross-attention/cross-writer.ts";
import type { Sampling } from "../generation/sampling.ts";
import { stepNames, type StepLimits, type TextModel } from "../text-model.ts";
import type { StepPart } from "./step-plan.ts";

/** How much of each buffer a step has filled so far. */
interface Filled {
  rows: number;
  outputs: number;
  pages: number;
  history: number;
}

/** Fills the input buffers of a compiled step program from a plan. */
export class StepWriter {
  readonly #model: TextModel;
  readonly #buffers: StepBuffers;
  readonly #cross: readonly CrossWriter[];

  constructor(program: CompiledProgram, model: TextModel, limits: StepLimits) {
    this.#model = model;
    this.#buffers = stepBuffers(program, model, limits);
    this.#cross = limits.cross.map((cross) => new CrossWriter(program, cross));
  }

  /** Writes a whole step and returns its sizes. */
  write(parts: readonly StepPart[]): Sizes {
    const filled: Filled = { rows: 0, outputs: 0, pages: 0, history: 0 };
    parts.forEach((part, index) => {
      this.#writeOutputs(part, filled);
      this.#writeSequence(part, index, filled);
      this.#writeRows(part, index, filled);
    });
    return Object.assign({ ...filled, sequences: parts.length }, ...this.#cross.map((writer) => writer.write(parts)));
  }

  #writeSequence({ sequence, first, count }: StepPart, index: number, filled: Filled): void {
    const { frequencies, pageSpans, pages } = this.#buffers;
    frequencies.set(this.#model.frequenciesAt(Math.max(sequence.promptLength, first + count)), index * this.#model.frequencies);
    const held = sequence.pages?.pages ?? [];
    pages.set(held, filled.pages);
    pageSpans.set([filled.pages, filled.pages + held.length], index * 2);
    filled.pages += held.length;
  }

  #writeRows({ sequence, first, count }: StepPart, index: number, filled: Filled): void {
    const { ids, mediaIndex, positions, sequences, slots, spans, windowSpans } = this.#buffers;
    const { positionAxes, window = 0 } = this.#model;
    for (let row = first; row < first + count; row++) {
      const at = filled.rows++;
      // The id of a media row is never looked up and need not be a token.
      ids[at] = Math.max(sequence.ids[row]!, 0);
      sequences[at] = index;
      slots[at] = sequence.pages!.slotOf(row);
      spans.set([0, row + 1], at * 2);
      windowSpans?.set([Math.max(0, row + 1 - window), row + 1], at * 2);
      for (let axis = 0; axis < positionAxes; axis++) positions[at * positionAxes + axis] = sequence.positionOf(row, axis, positionAxes);
      if (mediaIndex !== undefined) mediaIndex[at] = sequence.request.prompt.mediaIndex?.[row] ?? -1;
    }
  }

  #writeOutputs({ sequence, first, outputs }: StepPart, filled: Filled): void {
    const { sampling } = sequence.request;
    const present = sampling.repetitionPenalty === 1 || outputs.length === 0 ? [] : [...sequence.present];
    const { history, historySpans, outputRows, parameters, seeds } = this.#buffers;
    history.set(present, filled.history);
    for (const output of outputs) {
      const at = filled.outputs++;
      const produced = Math.max(first + output + 1 - sequence.promptLength, 0);
      outputRows[at] = filled.rows + output;
      parameters.set(SAMPLE_PARAMETERS.map((name) => sampling[name]), at * SAMPLE_PARAMETERS.length);
      seeds.set(seedWords(sampling, produced), at * 4);
      historySpans.set([filled.history, filled.history + present.length], at * 2);
    }
    filled.history += present.length;
  }
}

type StepBuffers = ReturnType<typeof stepBuffers>;

function stepBuffers(program: CompiledProgram, model: TextModel, limits: StepLimits) {
  const integers = (name: string): Int32Array => program.input(name, "i32");
  return {
    ids: integers(stepNames.ids),
    mediaIndex: limits.mediaSlots === 0 ? undefined : integers(stepNames.mediaIndex),
    positions: integers(stepNames.positions),
    sequences: integers(stepNames.sequence),
    slots: integers(stepNames.slots),
    spans: integers(stepNames.spans),
    windowSpans: model.window === undefined ? undefined : integers(stepNames.windowSpans),
    frequencies: program.input(stepNames.frequencies, "f32"),
    pageSpans: integers(stepNames.pageSpans),
    pages: integers(stepNames.pages),
    outputRows: integers(stepNames.outputRows),
    parameters: program.input(stepNames.parameters, "f32"),
    seeds: program.input(stepNames.seeds, "u32"),
    historySpans: integers(stepNames.historySpans),
    history: integers(stepNames.history),
  };
}

/** Key and counter of the generator: a token's draw depends on the seed and its number alone, never on the batch. */
function seedWords(sampling: Sampling, number: number): readonly number[] {
  return [sampling.seed % 2 ** 32, Math.floor(sampling.seed / 2 ** 32), number, 0];
}
