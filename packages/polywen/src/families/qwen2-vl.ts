import { createQwen2Model, parseQwen2Config } from "@polywen/core";
import { parseQwen2VisionConfig, parseQwen25VisionConfig, qwen2VisionTower, qwen25VisionTower } from "@polywen/vision";
import type { FamilyLoader } from "./family.ts";
import { loadVisionLanguage, textPrefixes, type VisionLanguageParts } from "./vision-language.ts";

const text: VisionLanguageParts["text"] = (config, place) => createQwen2Model(parseQwen2Config(config, { ...place, multimodal: true }), textPrefixes);

/** Qwen2-VL: a Qwen2 decoder with M-RoPE and a vision tower. */
export const qwen2Vl: FamilyLoader = (folder, media) =>
  loadVisionLanguage(folder, media, { tower: (config, place) => qwen2VisionTower(parseQwen2VisionConfig(config, place)), outputWidth: "hidden_size", text });

/** Qwen2.5-VL: the same decoder, and a tower that attends inside windows. */
export const qwen25Vl: FamilyLoader = (folder, media) =>
  loadVisionLanguage(folder, media, { tower: (config, place) => qwen25VisionTower(parseQwen25VisionConfig(config, place)), outputWidth: "out_hidden_size", text });
