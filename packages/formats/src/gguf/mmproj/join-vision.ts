import type { JoinedProjector, TextPart } from "./joined-projector.ts";
import { mropeOf } from "./mrope.ts";
import { requireArchitecture, requireWidth, type ProjectorSource } from "./projector-source.ts";
import { tokenIds } from "./token-ids.ts";
import type { VisionKind } from "./vision-kinds.ts";
import { renameVisionTensors } from "./vision-tensors.ts";
import { readVisionTower, visionOutput } from "./vision-tower.ts";

/** Tokens of the published vocabularies, by the fields of config.json that name their ids. */
const mediaTokens = { image_token_id: "<|image_pad|>", video_token_id: "<|video_pad|>", vision_start_token_id: "<|vision_start|>" } as const;

/** A vision-language model: a text model and a vision tower. Throws as `joinProjector` does. */
export function joinVision(text: TextPart, source: ProjectorSource, kind: VisionKind): JoinedProjector {
  const tower = readVisionTower(source, kind);
  requireArchitecture(source, text.architecture, Object.keys(kind.modelTypes));
  requireWidth(source, visionOutput, text.config["hidden_size"]);
  return {
    config: { ...text.config, model_type: kind.modelTypes[text.architecture]!, ...mropeOf(text, tower), ...tokenIds(text, mediaTokens), vision_config: tower.vision },
    preprocessor: tower.preprocessor,
    tensors: renameVisionTensors(source.file, source.tensors, tower),
  };
}
