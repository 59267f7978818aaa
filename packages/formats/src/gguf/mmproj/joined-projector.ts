import type { JsonObject } from "../../json-file.ts";
import type { TensorEntry } from "../../safetensors-header.ts";
import type { GgufValue } from "../gguf-value.ts";

/** The text model that a projector joins. */
export interface TextPart {
  readonly file: string;
  readonly architecture: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** As `configFromGguf` makes it. */
  readonly config: JsonObject;
}

/** What a projector adds to a text model. */
export interface JoinedProjector {
  /** config.json of the whole. */
  readonly config: JsonObject;
  readonly preprocessor: JsonObject;
  /** Of the towers and their projectors, under the names of Hugging Face. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}
