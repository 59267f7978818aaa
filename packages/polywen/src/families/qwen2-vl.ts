import { createQwen2Model, parseQwen2Config } from "@polywen/core";
import { mropeLayout, timedMropeLayout, type FrameTime } from "@polywen/cross-modal";
import { parseQwen2VisionConfig, parseQwen25VisionConfig, qwen2VideoSize, qwen2VisionTower, qwen25VisionTower } from "@polywen/vision";
import type { FamilyLoader } from "./family.ts";
import { loadVisionLanguage, textPrefixes, type VisionLanguageParts } from "./vision-language.ts";
import type { VideoRules } from "./vision-modality.ts";

const text: VisionLanguageParts["text"] = (config, place) => createQwen2Model(parseQwen2Config(config, { ...place, multimodal: true }), textPrefixes);

/** Bounds of a frame, as `qwen_vl_utils` has them. */
export const qwen2Videos: VideoRules = { size: qwen2VideoSize, timestamps: false, minBlocks: 128, maxBlocks: 768 };

/** Qwen2-VL: a Qwen2 decoder with M-RoPE and a vision tower. */
export const qwen2Vl: FamilyLoader = (folder, media) =>
  loadVisionLanguage(folder, media, {
    tower: (config, place) => qwen2VisionTower(parseQwen2VisionConfig(config, place)),
    outputWidth: "hidden_size",
    text,
    video: qwen2Videos,
    layout: () => mropeLayout,
  });

/** Qwen2.5-VL: the same decoder, and a tower that attends inside windows. Positions of frames tell their time. */
export const qwen25Vl: FamilyLoader = (folder, media) =>
  loadVisionLanguage(folder, media, {
    tower: (config, place) => qwen25VisionTower(parseQwen25VisionConfig(config, place)),
    outputWidth: "out_hidden_size",
    text,
    video: qwen2Videos,
    layout: ({ config }) => timedMropeLayout(timeOfFrames(config.tokensPerSecond)),
  });

/** `(arange(t) * (tokens_per_second * second_per_grid_t)).long()`, in float32 steps like the reference. */
function timeOfFrames(tokensPerSecond: number): FrameTime {
  return (frame, secondsPerFrame) => Math.trunc(Math.fround(frame * Math.fround(tokensPerSecond * Math.fround(secondsPerFrame))));
}
