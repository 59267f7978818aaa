import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModelFolder } from "@polywen/formats";
import { loadFamily } from "./registry.ts";
import type { Family } from "./family.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "polywen-vision-"))));
afterAll(() => rm(folder, { recursive: true }));

const ids = { image_token_id: 98, video_token_id: 99 };
const text = { vocab_size: 100, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 4 };
const sections = (...counts: number[]) => ({ rope_scaling: { rope_type: "default", mrope_section: counts } });
const towers = {
  qwen2_vl: { depth: 1, embed_dim: 32, num_heads: 4, hidden_size: 32 },
  qwen2_5_vl: { depth: 1, hidden_size: 32, num_heads: 4, intermediate_size: 64, out_hidden_size: 32 },
  qwen3_vl: { depth: 3, hidden_size: 32, num_heads: 4, intermediate_size: 64, out_hidden_size: 32, num_position_embeddings: 36, deepstack_visual_indexes: [2, 0] },
};
const side = { qwen2_vl: 14, qwen2_5_vl: 14, qwen3_vl: 16 };
const processor = { image_processor_type: "Qwen2VLImageProcessorFast", temporal_patch_size: 2, merge_size: 2, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

interface Changes {
  readonly root?: object;
  readonly text?: object;
  readonly vision?: object;
  readonly processor?: object;
  readonly videoProcessor?: object;
}

async function family(type: keyof typeof towers, changes: Changes, nested = true): Promise<Family> {
  const decoder = { ...text, ...(type === "qwen3_vl" ? { head_dim: 8 } : {}), ...sections(2, 1, 1), ...changes.text };
  const config = { model_type: type, ...ids, ...(nested ? { text_config: decoder } : decoder), vision_config: { ...towers[type], ...changes.vision }, ...changes.root };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const common = { ...processor, patch_size: side[type] };
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify({ ...common, ...changes.processor }));
  const { image_processor_type: _, ...fields } = common;
  await writeFile(join(folder, "video_preprocessor_config.json"), JSON.stringify({ ...fields, video_processor_type: "Qwen2VLVideoProcessor", ...changes.videoProcessor }));
  await writeFile(join(folder, "tokenizer.json"), "{}");
  return loadFamily(await openModelFolder(folder), {});
}

describe.each(["qwen2_vl", "qwen2_5_vl", "qwen3_vl"] as const)("%s", (type) => {
  test.each([true, false])("reads pictures and videos with one tower; text_config: %s", async (nested) => {
    const { text: model, modalities } = await family(type, {}, nested);
    expect(model.positionAxes).toBe(3);
    expect(model.mediaLevels).toBe(type === "qwen3_vl" ? 3 : 1);
    expect(modalities.map(({ definition, placeholder, sharedWith }) => [definition.name, placeholder, sharedWith])).toEqual([["image", 98, undefined], ["video", 99, "image"]]);
  });

  test.each<[Changes, boolean]>([
    [{}, false],
    [{ root: { tie_word_embeddings: true } }, true],
    [{ text: { tie_word_embeddings: true } }, true],
  ])("%j: the head is tied: %s", async (changes, tied) => {
    const { text: model } = await family(type, changes);
    const { tensors } = model.buildStep({ rows: 1, sequences: 1, outputs: 1, pages: 1, kvDType: "f32", mediaSlots: 1, cross: [] });
    expect(tensors.some(({ name }) => name === "lm_head.weight")).toBe(!tied);
  });

  test.each<[Changes, string]>([
    [{ text: sections(2, 2) }, "/text_config/rope_scaling/mrope_section"],
    [{ text: sections(1, 1, 1) }, "/text_config/rope_scaling/mrope_section"],
    [{ text: { rope_scaling: { type: "mrope", mrope_section: [-1, 3, 2] } } }, "/text_config/rope_scaling/mrope_section/0"],
    [{ vision: { [type === "qwen2_vl" ? "hidden_size" : "out_hidden_size"]: 64 } }, `/vision_config/${type === "qwen2_vl" ? "hidden_size" : "out_hidden_size"}`],
    [{ vision: { num_heads: 3 } }, "/vision_config/num_heads"],
    [{ vision: { hidden_act: "relu" } }, "/vision_config/hidden_act"],
    [{ vision: { depth: 1e6 } }, "/vision_config/depth"],
    [{ vision: { patch_size: 12 } }, "/vision_config/patch_size"],
    [{ vision: { in_channels: 4 } }, "/vision_config/in_channels"],
    [{ processor: { merge_size: 1 } }, "/vision_config/spatial_merge_size"],
    [{ videoProcessor: { temporal_patch_size: 1 } }, "/vision_config/temporal_patch_size"],
    [{ root: { vision_config: null } }, "/vision_config"],
    [{ root: { image_token_id: 100 } }, "/image_token_id"],
    [{ root: { video_token_id: -1 } }, "/video_token_id"],
  ])("%j is refused at %s", async (changes, pointer) => {
    await expect(family(type, changes)).rejects.toMatchObject({ code: "FILE_INVALID", facts: { pointer } });
  });
});

test("a checkpoint without a placeholder for videos does not offer them", async () => {
  const { modalities } = await family("qwen2_vl", { root: { video_token_id: undefined } });
  expect(modalities.map(({ definition }) => definition.name)).toEqual(["image"]);
});

test("a video processor of another class is refused", async () => {
  await expect(family("qwen3_vl", { videoProcessor: { video_processor_type: "VivitImageProcessor" } })).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test.each<[Changes, string]>([
  [{ vision: { deepstack_visual_indexes: [0, 3] } }, "/vision_config/deepstack_visual_indexes"],
  [{ vision: { deepstack_visual_indexes: [1, 1] } }, "/vision_config/deepstack_visual_indexes"],
  [{ vision: { deepstack_visual_indexes: [-1] } }, "/vision_config/deepstack_visual_indexes/0"],
  [{ vision: { deepstack_visual_indexes: [0, 1, 2] } }, "/vision_config/deepstack_visual_indexes"],
  [{ vision: { num_position_embeddings: 40 } }, "/vision_config/num_position_embeddings"],
])("the tower of Qwen3-VL: %j is refused at %s", async (changes, pointer) => {
  await expect(family("qwen3_vl", changes)).rejects.toMatchObject({ code: "FILE_INVALID", facts: { pointer } });
});
