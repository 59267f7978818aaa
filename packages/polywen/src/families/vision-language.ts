import type { LayoutRule } from "@polywen/cross-modal";
import { isJsonObject, readPreprocessor, type ConfigFields, type JsonObject, type ModelFolder } from "@polywen/formats";
import type { TextModel } from "@polywen/core";
import { towerNaming, type VisionTower } from "@polywen/vision";
import { configPart, optionalTokenId, tokenId, type ConfigPlace } from "./config-place.ts";
import type { Family, MediaOptions } from "./family.ts";
import { visionModalities, type VideoRules, type VisionParts } from "./vision-modality.ts";

/** Published files have the tower under `visual.`; files saved by transformers 5, under `model.visual.`. */
const towerPrefixes = ["", "model."];

/** Published files have the text model as it is; newer ones have it under `model.language_model.`, beside the tower. */
export const textPrefixes: readonly string[] = ["", "model.language_model.", "language_model."];

/** What tells the families of published vision-language models apart. */
export interface VisionLanguageParts<Tower extends VisionTower = VisionTower> {
  readonly tower: (config: JsonObject, place: ConfigFields) => Tower;
  /** Under which name the width of the tower's output stands in `vision_config`. */
  readonly outputWidth: VisionParts["outputWidth"];
  /** The text model for a tower that gives rows of so many levels. */
  readonly text: (config: JsonObject, place: ConfigFields, levels: number) => TextModel;
  readonly video: VideoRules;
  readonly layout: (tower: Tower) => LayoutRule;
}

/** Puts a text model with M-RoPE and a vision tower together: the tower's rows take the places of placeholder tokens. */
export async function loadVisionLanguage<Tower extends VisionTower>(folder: ModelFolder, media: MediaOptions, parts: VisionLanguageParts<Tower>): Promise<Family> {
  const root: ConfigPlace = { folder, fields: folder.config, pointer: [] };
  const vision = configPart(root, "vision_config");
  const tower = parts.tower(vision.fields, { file: folder.configPath, pointer: vision.pointer });
  const source = textSource(root);
  const text = parts.text(source.fields, { file: folder.configPath, pointer: source.pointer }, tower.levels);
  // A folder without an image processor is a text model.
  const { image: processor } = await readPreprocessor(folder);
  const layout = parts.layout(tower);
  if (processor === undefined) return { text, layout, modalities: [] };
  const common = { place: vision, outputWidth: parts.outputWidth, tower, text, naming: towerNaming(towerPrefixes), media, before: "<|vision_start|>", after: "<|vision_end|>", video: parts.video };
  const placeholders = { image: tokenId(root, ["image_token_id"], text.vocabularySize), video: optionalTokenId(root, ["video_token_id"], text.vocabularySize) };
  return { text, layout, modalities: await visionModalities(common, processor, placeholders) };
}

/** Older files keep the fields of the text model beside `vision_config`, newer ones under `text_config`. Either place may say that the head is tied. */
function textSource(root: ConfigPlace): ConfigPlace {
  if (!isJsonObject(root.fields["text_config"])) return root;
  const { fields, ...place } = configPart(root, "text_config");
  const tied = root.fields["tie_word_embeddings"] === true || (fields["tie_word_embeddings"] ?? false);
  return { ...place, fields: { ...fields, tie_word_embeddings: tied } };
}
