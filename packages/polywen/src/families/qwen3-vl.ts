import { createQwen3Model, parseQwen3Config } from "@polywen/core";
import { InvalidFileError } from "@polywen/tensor";
import { parseQwen3VisionConfig, qwen3VisionTower } from "@polywen/vision";
import type { FamilyLoader } from "./family.ts";
import { loadVisionLanguage, textPrefixes } from "./vision-language.ts";

/** Qwen3-VL: a Qwen3 decoder with interleaved M-RoPE, whose first layers are given what earlier layers of the tower made of a picture. */
export const qwen3Vl: FamilyLoader = (folder, media) =>
  loadVisionLanguage(folder, media, {
    tower: (config, place) => qwen3VisionTower(parseQwen3VisionConfig(config, place)),
    outputWidth: "out_hidden_size",
    text: (fields, place, mediaLevels) => {
      const config = parseQwen3Config(fields, { ...place, multimodal: true });
      if (mediaLevels - 1 > config.layers) {
        throw new InvalidFileError({ file: folder.configPath, problem: `the text model has ${config.layers} layers`, pointer: "/vision_config/deepstack_visual_indexes" });
      }
      return createQwen3Model(config, { prefixes: textPrefixes, mediaLevels });
    },
  });
