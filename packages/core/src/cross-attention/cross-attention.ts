/** Which media a row sees: those that stand last before it, or all before it. */
export type Attend = "latest" | "all-previous";

/** A block of gated cross-attention and which of its branches do something: one whose gate is zero is not computed. */
export interface CrossLayer {
  /** The block runs before this layer of the text model. */
  readonly index: number;
  readonly attention: boolean;
  readonly mlp: boolean;
}

/** Gated cross-attention from the rows of a text model to the media of one modality. */
export interface CrossAttention {
  readonly modality: string;
  /** Blocks with at least one branch that does something; in order. */
  readonly layers: readonly CrossLayer[];
  readonly attend: Attend;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  /** Width of the gated MLP inside; 0 for blocks without one. */
  readonly intermediateSize: number;
  /** Pages for keys and values of media, shared by all prompts that run. */
  readonly pages: number;
}

/** Dimensions and inputs of a step for one modality, by what they are. */
export interface CrossInputNames {
  /** Dimension: rows of the step that see a medium. */
  readonly rowCount: string;
  /** Dimension: entries of `pages`. */
  readonly pageCount: string;
  /** i32 [rowCount, 1]: which rows of the step they are */
  readonly rows: string;
  /** i32 [rows, 1]: for every row of the step its number among those that see a medium, or -1 */
  readonly places: string;
  /** i32 [rowCount]: sequence of the row, counted in this step */
  readonly sequence: string;
  /** i32 [rowCount, 2]: which of its sequence's media rows the row sees */
  readonly spans: string;
  /** i32 [sequences, 2]: the part of `pages` that is a sequence's */
  readonly pageSpans: string;
  /** i32 [pageCount] */
  readonly pages: string;
}

/** Names of dimensions and inputs of a step for one modality. */
export function crossInputNames(modality: string): CrossInputNames {
  const name = (part: string): string => `cross.${modality}.${part}`;
  return {
    rowCount: name("rowCount"),
    pageCount: name("pageCount"),
    rows: name("rows"),
    places: name("places"),
    sequence: name("sequence"),
    spans: name("spans"),
    pageSpans: name("pageSpans"),
    pages: name("pages"),
  };
}

/** Names of the resources that hold a block's keys and values of media: [slots, key heads, head width], paged. */
export function crossKeyNames(modality: string, index: number): { readonly keys: string; readonly values: string } {
  return { keys: `cross.${modality}.${index}.keys`, values: `cross.${modality}.${index}.values` };
}
