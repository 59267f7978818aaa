import { createQwen3Model, createQwen3MoeModel, parseQwen3Config, parseQwen3MoeConfig, type DecoderConfig, type TextModel } from "@polywen/core";
import { mropeLayout } from "@polywen/cross-modal";
import { refuseField, type ConfigFields } from "@polywen/formats";
import { parseQwen3VisionConfig, qwen3VideoSize, qwen3VisionTower } from "@polywen/vision";
import type { FamilyLoader } from "./family.ts";
import { loadVisionLanguage, textPrefixes, type VisionLanguageParts } from "./vision-language.ts";

/** Qwen3-VL: a Qwen3 decoder with interleaved M-RoPE, whose first layers are given what earlier layers of the tower made of a picture. */
export const qwen3Vl: FamilyLoader = (folder, media) =>
  loadVisionLanguage(folder, media, {
    ...common,
    text: (fields, place, mediaLevels) => {
      const config = parseQwen3Config(fields, { ...place, multimodal: true });
      requireLayers(config, place, mediaLevels);
      return createQwen3Model(config, { prefixes: textPrefixes, mediaLevels });
    },
  });

/** Qwen3-VL-MoE: the same with experts, whose weights are always divided by their sum. */
export const qwen3VlMoe: FamilyLoader = (folder, media) =>
  loadVisionLanguage(folder, media, {
    ...common,
    text: (fields, place, mediaLevels) => {
      const config = { ...parseQwen3MoeConfig(fields, { ...place, multimodal: true }), normalised: true };
      requireLayers(config, place, mediaLevels);
      return withTransposedExperts(createQwen3MoeModel(config, { prefixes: textPrefixes, mediaLevels }));
    },
  });

const common: Omit<VisionLanguageParts, "text"> = {
  tower: (config, place) => qwen3VisionTower(parseQwen3VisionConfig(config, place)),
  outputWidth: "out_hidden_size",
  // Bounds of a whole video, those of the published files.
  video: { size: qwen3VideoSize, timestamps: true, minBlocks: 4, maxBlocks: 24_576 },
  layout: () => mropeLayout,
};

function requireLayers({ layers }: DecoderConfig, { file }: ConfigFields, mediaLevels: number): void {
  if (mediaLevels - 1 > layers) refuseField({ file, pointer: ["vision_config"] }, "deepstack_visual_indexes", `the text model has ${layers} layers`);
}

/** Unlike those of Qwen3-MoE, the experts were published as they are multiplied from the right. */
function withTransposedExperts(model: TextModel): TextModel {
  return {
    ...model,
    weightNaming: (name) => {
      const recipe = model.weightNaming(name);
      return recipe !== undefined && name.includes(".mlp.experts.") ? { ...recipe, layout: "transposed" } : recipe;
    },
  };
}
