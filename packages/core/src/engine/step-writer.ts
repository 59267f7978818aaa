import { SAMPLE_PARAMETERS, type CompiledProgram, type Sizes } from "@polywen/tensor";
import type { Sampling } from "../generation/sampling.ts";
import { stepNames, type StepLimits, type TextModel } from "../text-model.ts";
import type { StepPart } from "./step-plan.ts";

/** Fills the input buffers of a compiled step program from a plan. */
export class StepWriter {
  readonly #program: CompiledProgram;
  readonly #model: TextModel;
  readonly #limits: StepLimits;
  #rows = 0;
  #outputs = 0;
  #pages = 0;
  #history = 0;

  constructor(program: CompiledProgram, model: TextModel, limits: StepLimits) {
    this.#program = program;
    this.#model = model;
    this.#limits = limits;
  }

  /** Writes a whole step and returns its sizes. */
  write(parts: readonly StepPart[]): Sizes {
    this.#rows = this.#outputs = this.#pages = this.#history = 0;
    parts.forEach((part, index) => {
      this.#writeOutputs(part);
      this.#writeSequence(part, index);
      this.#writeRows(part, index);
    });
    return { rows: this.#rows, sequences: parts.length, outputs: this.#outputs, pages: this.#pages, history: this.#history };
  }

  #writeSequence({ sequence, first, count }: StepPart, index: number): void {
    const { frequencies } = this.#model;
    const length = Math.max(sequence.promptLength, first + count);
    this.#program.input(stepNames.frequencies, "f32").set(this.#model.frequenciesAt(length), index * frequencies);
    const pages = sequence.pages?.pages ?? [];
    this.#program.input(stepNames.pages, "i32").set(pages, this.#pages);
    this.#program.input(stepNames.pageSpans, "i32").set([this.#pages, this.#pages + pages.length], index * 2);
    this.#pages += pages.length;
  }

  #writeRows({ sequence, first, count }: StepPart, index: number): void {
    const axes = this.#model.positionAxes;
    const input = (name: string): Int32Array => this.#program.input(name, "i32");
    const [ids, positions, sequences, slots, spans] = [stepNames.ids, stepNames.positions, stepNames.sequence, stepNames.slots, stepNames.spans].map(input) as [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];
    const windowSpans = this.#model.window === undefined ? undefined : input(stepNames.windowSpans);
    const mediaIndex = this.#limits.mediaSlots === 0 ? undefined : input(stepNames.mediaIndex);
    for (let row = first; row < first + count; row++) {
      const at = this.#rows++;
      // The id of a media row is never looked up and need not be a token.
      ids[at] = Math.max(sequence.ids[row]!, 0);
      sequences[at] = index;
      slots[at] = sequence.pages!.slotOf(row);
      spans.set([0, row + 1], at * 2);
      windowSpans?.set([Math.max(0, row + 1 - this.#model.window!), row + 1], at * 2);
      for (let axis = 0; axis < axes; axis++) positions[at * axes + axis] = sequence.positionOf(row, axis, axes);
      if (mediaIndex !== undefined) mediaIndex[at] = sequence.request.prompt.mediaIndex?.[row] ?? -1;
    }
  }

  #writeOutputs({ sequence, first, outputs }: StepPart): void {
    const { sampling } = sequence.request;
    const history = sampling.repetitionPenalty === 1 ? [] : [...sequence.present];
    this.#program.input(stepNames.history, "i32").set(history, this.#history);
    for (const output of outputs) {
      const at = this.#outputs++;
      const produced = Math.max(first + output + 1 - sequence.promptLength, 0);
      this.#program.input(stepNames.outputRows, "i32")[at] = this.#rows + output;
      this.#program.input(stepNames.parameters, "f32").set(SAMPLE_PARAMETERS.map((name) => sampling[name]), at * SAMPLE_PARAMETERS.length);
      this.#program.input(stepNames.seeds, "u32").set(seedWords(sampling, produced), at * 4);
      this.#program.input(stepNames.historySpans, "i32").set([this.#history, this.#history + history.length], at * 2);
    }
    this.#history += history.length;
  }
}

/** Key and counter of the generator: a token's draw depends on the seed and its number alone, never on the batch. */
function seedWords(sampling: Sampling, number: number): readonly number[] {
  return [sampling.seed % 2 ** 32, Math.floor(sampling.seed / 2 ** 32), number, 0];
}
