import type { TextModel } from "@polywen/core";

/** The size of a text model, as far as what is added to it must fit. */
export interface TextShape {
  /** Width of its rows, and so of media rows. */
  readonly hiddenSize: number;
  /** Rows that it reads for each token of a medium: 1, but for deepstack. */
  readonly mediaLevels: number;
  readonly layers: number;
  /** Query heads, heads of keys and values, and their width. */
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  /** Width of the MLP of a layer. */
  readonly intermediateSize: number;
}

/** The shape of a model. */
export function textShapeOf({ hiddenSize, mediaLevels, heads, intermediateSize, kv }: TextModel): TextShape {
  return { hiddenSize, mediaLevels, layers: kv.layers, heads, keyHeads: kv.heads, headWidth: kv.width, intermediateSize };
}
