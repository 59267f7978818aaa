import { textShapeOf, type TextShape } from "@polywen/cross-modal";
import { loadFamily } from "./families/registry.ts";
import { openModelSource, type ModelSourceOptions } from "./model-source.ts";

/**
 * What an adapter must know of a text model: what `initialWeights` and `saveModality` take. No weights are read. Throws as `loadModel` does for
 * the model's small files, and UnsupportedError for an architecture that this version does not know.
 */
export async function readTextShape(source: string, options: ModelSourceOptions = {}): Promise<TextShape> {
  const { folder } = await openModelSource(source, options);
  return textShapeOf((await loadFamily(folder, {})).text);
}
