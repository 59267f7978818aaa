import type { CompiledProgram, Sizes } from "@polywen/tensor";
import type { StepPart } from "../engine/step-plan.ts";
import { crossInputNames, type CrossAttention, type CrossInputNames } from "./cross-attention.ts";
import { seenMedia } from "./cross-media.ts";

/** Fills the inputs of a step that belong to one modality. */
export class CrossWriter {
  readonly #cross: CrossAttention;
  readonly #names: CrossInputNames;
  readonly #buffers: ReturnType<typeof crossBuffers>;

  constructor(program: CompiledProgram, cross: CrossAttention) {
    this.#cross = cross;
    this.#names = crossInputNames(cross.modality);
    this.#buffers = crossBuffers(program, this.#names);
  }

  /** Writes a whole step and returns the sizes of this modality's dimensions. */
  write(parts: readonly StepPart[]): Sizes {
    const { rows, places, sequence, spans, pageSpans, pages } = this.#buffers;
    let [row, rowCount, pageCount] = [0, 0, 0];
    parts.forEach((part, index) => {
      const media = part.sequence.request.prompt.cross?.get(this.#cross.modality);
      const held = media?.pages ?? [];
      pages.set(held, pageCount);
      pageSpans.set([pageCount, pageCount + held.length], index * 2);
      pageCount += held.length;
      for (let own = part.first; own < part.first + part.count; own++, row++) {
        const [begin, end] = seenMedia(media?.items ?? [], this.#cross.attend, own);
        places[row] = end > begin ? rowCount : -1;
        if (end === begin) continue;
        rows[rowCount] = row;
        sequence[rowCount] = index;
        spans.set([begin, end], rowCount++ * 2);
      }
    });
    return { [this.#names.rowCount]: rowCount, [this.#names.pageCount]: pageCount };
  }
}

function crossBuffers(program: CompiledProgram, names: CrossInputNames) {
  const integers = (name: string): Int32Array => program.input(name, "i32");
  return {
    rows: integers(names.rows),
    places: integers(names.places),
    sequence: integers(names.sequence),
    spans: integers(names.spans),
    pageSpans: integers(names.pageSpans),
    pages: integers(names.pages),
  };
}
