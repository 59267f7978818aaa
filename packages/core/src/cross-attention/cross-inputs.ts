import type { Extent, ProgramBuilder, TensorSpec } from "@polywen/tensor";
import { crossInputNames, type CrossAttention } from "./cross-attention.ts";

/** Inputs of a step for one modality: see `crossInputNames`. */
export interface CrossInputs {
  readonly rows: TensorSpec;
  readonly places: TensorSpec;
  readonly sequence: TensorSpec;
  readonly spans: TensorSpec;
  readonly pageSpans: TensorSpec;
  readonly pages: TensorSpec;
}

/** What the inputs of a step are counted in. */
export interface StepExtents {
  readonly rows: Extent;
  /** Capacity of `rows`. */
  readonly rowCapacity: number;
  readonly sequences: Extent;
}

/** Declares the inputs of a modality. */
export function declareCrossInputs(builder: ProgramBuilder, { modality, pages }: CrossAttention, { rows, rowCapacity, sequences }: StepExtents): CrossInputs {
  const names = crossInputNames(modality);
  const rowCount = builder.dimension(names.rowCount, rowCapacity);
  const pageCount = builder.dimension(names.pageCount, pages);
  return {
    rows: builder.input(names.rows, "i32", [rowCount, 1]),
    places: builder.input(names.places, "i32", [rows, 1]),
    sequence: builder.input(names.sequence, "i32", [rowCount]),
    spans: builder.input(names.spans, "i32", [rowCount, 2]),
    pageSpans: builder.input(names.pageSpans, "i32", [sequences, 2]),
    pages: builder.input(names.pages, "i32", [pageCount]),
  };
}
