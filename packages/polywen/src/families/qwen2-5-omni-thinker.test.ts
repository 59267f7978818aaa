import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModelFolder } from "@polywen/formats";
import type { Family } from "./family.ts";
import { qwen25OmniThinker } from "./qwen2-5-omni-thinker.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "polywen-thinker-"))));
afterAll(() => rm(folder, { recursive: true }));

const text = { vocab_size: 100, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 4, rope_scaling: { type: "default", mrope_section: [2, 1, 1] } };
const vision = { depth: 1, hidden_size: 32, num_heads: 4, intermediate_size: 64, out_hidden_size: 32 };
const audio = { encoder_layers: 1, d_model: 32, encoder_attention_heads: 4, encoder_ffn_dim: 64, output_dim: 32 };
const processor = { image_processor_type: "Qwen2VLImageProcessor", feature_extractor_type: "WhisperFeatureExtractor", patch_size: 14, temporal_patch_size: 2, merge_size: 2, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], feature_size: 128, chunk_length: 300 };

async function family(changes: { text?: object; vision?: object; audio?: object; thinker?: object; processor?: object }): Promise<Family> {
  const config = {
    model_type: "qwen2_5_omni_thinker",
    text_config: { ...text, ...changes.text },
    vision_config: { ...vision, ...changes.vision },
    audio_config: { ...audio, ...changes.audio },
    image_token_id: 98,
    audio_token_id: 99,
    ...changes.thinker,
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify({ ...processor, ...changes.processor }));
  await writeFile(join(folder, "tokenizer.json"), "{}");
  return qwen25OmniThinker(await openModelFolder(folder), {});
}

test("a thinker has three position axes and its two modalities", async () => {
  const { text: model, modalities } = await family({});
  expect(model.positionAxes).toBe(3);
  expect(modalities.map(({ definition, placeholder }) => [definition.name, placeholder])).toEqual([["image", 98], ["audio", 99]]);
});

test.each([
  [{ text: { rope_scaling: { type: "mrope", mrope_section: [4] } } }, "/text_config/rope_scaling/mrope_section"],
  [{ text: { rope_scaling: { type: "mrope", mrope_section: [1, 1, 1, 1] } } }, "/text_config/rope_scaling/mrope_section"],
  [{ text: { rope_scaling: null } }, "/text_config/rope_scaling/mrope_section"],
  [{ vision: { out_hidden_size: 64 } }, "/vision_config/out_hidden_size"],
  [{ vision: { patch_size: 16 } }, "/vision_config/patch_size"],
  [{ vision: { window_size: 20 } }, "/vision_config/window_size"],
  [{ processor: { temporal_patch_size: 1 } }, "/vision_config/temporal_patch_size"],
  [{ processor: { merge_size: 1 } }, "/vision_config/spatial_merge_size"],
  [{ audio: { output_dim: 64 } }, "/audio_config/output_dim"],
  [{ processor: { feature_size: 80 } }, "/audio_config/num_mel_bins"],
  [{ audio: { n_window: 65_536, d_model: 65_536 } }, "/audio_config/n_window"],
  [{ audio: { d_model: 2, encoder_attention_heads: 1 } }, "/audio_config/d_model"],
  [{ audio: { encoder_attention_heads: 3 } }, "/audio_config/encoder_attention_heads"],
  [{ thinker: { image_token_id: 100 } }, "/image_token_id"],
  [{ thinker: { audio_token_id: undefined } }, "/audio_token_index"],
])("%j is refused at %s", async (changes, pointer) => {
  await expect(family(changes)).rejects.toMatchObject({ code: "FILE_INVALID", facts: { pointer } });
});
