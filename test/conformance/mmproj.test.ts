import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audio, image, inspectMedia, inspectModel, loadModel, type Model } from "polywen";
import { backends, expectTransformers, loadOptions } from "./expect-transformers.ts";
import { expectPrompt, readPrompts } from "./media-prompts.ts";

const root = fileURLToPath(new URL("../fixtures/mmproj", import.meta.url));
const models = [["qwen2vl", "qwen2_vl"], ["qwen25vl", "qwen2_5_vl"], ["qwen3vl", "qwen3_vl"], ["qwen3vlmoe", "qwen3_vl_moe"]] as const;

const pictureOf = async (name: string): Promise<Buffer> => Buffer.from((JSON.parse(await readFile(`${root}/${name}/expected.json`, "utf8")) as { image: string }).image, "base64");

describe.each(backends)("a picture in a prompt, as transformers computes it for the weights of both files, on the %s backend", (backend) => {
  test.each(models)("%s", async (name, modelType) => {
    const model = await loadModel(`${root}/${name}/model.gguf`, { ...loadOptions, backend });
    expect(model.info).toMatchObject({ modelType, modalities: expect.arrayContaining(["text", "image"]), warnings: [] });
    await expectTransformers(model, `${root}/${name}/expected.json`, [image(await pictureOf(name))]);
    await model.dispose();
  });
});

describe.each(backends)("a recording in a prompt, on the %s backend", (backend) => {
  test("Qwen2-Audio: what its checkpoint in safetensors gives, the same weights give in GGUF", async () => {
    const golden = fileURLToPath(new URL("../fixtures/sound/qwen2_audio/expected.json", import.meta.url));
    const { audios } = JSON.parse(await readFile(golden, "utf8")) as { audios: string[] };
    const files = audios.map((name) => audio(fileURLToPath(new URL(`../fixtures/media/${name}`, import.meta.url))));
    // No mmproj is looked for beside a model whose architecture is one of text.
    const model = await loadModel(`${root}/qwen2audio/model.gguf`, { ...loadOptions, cacheTokens: 128, backend, mmproj: `${root}/qwen2audio/mmproj.gguf` });
    expect(model.info).toMatchObject({ modelType: "qwen2_audio", modalities: ["text", "audio"], warnings: [] });
    await expectTransformers(model, golden, files);
    await model.dispose();
    expect(await inspectModel(`${root}/qwen2audio/model.gguf`)).toMatchObject({ modelType: "qwen2", warnings: [] });
  });
});

describe.each(backends)("pictures, videos and sounds in a prompt, on the %s backend", { timeout: 120_000 }, (backend) => {
  const cases = readPrompts(fileURLToPath(new URL("../fixtures/omni/expected.json", import.meta.url)));
  let model: Model;
  beforeAll(async () => void (model = await loadModel(`${root}/qwen25omni/model.gguf`, { ...loadOptions, rowsPerStep: 97, cacheTokens: 2048, backend })));
  afterAll(() => model.dispose());

  test("Qwen2.5-Omni has both towers in one file", () => {
    expect(model.info).toMatchObject({ modelType: "qwen2_5_omni_thinker", modalities: ["text", "image", "video", "audio"], warnings: [] });
  });

  test.each(Object.entries(cases))("%s: what its checkpoint in safetensors gives, the same weights give in GGUF", (_, expected) => expectPrompt(model, expected));
});

test("a prompt of text and media has the ids that the tokenizer of the folder gives", async () => {
  const idsOf = async (source: string): Promise<readonly number[]> => {
    await using model = await loadModel(source, { ...loadOptions, backend: "reference", cacheTokens: 256 });
    const media = [image(await pictureOf("qwen2vl")), audio({ samples: new Float32Array(3200), sampleRate: 16_000 })];
    return (await model.generate(["Look: ", ...media, "?"], { raw: true, maxTokens: 1 })).promptTokenIds;
  };
  const ids = await idsOf(`${root}/qwen25omni/model.gguf`);
  expect(ids).toEqual(await idsOf(fileURLToPath(new URL("../fixtures/omni", import.meta.url))));
  expect(ids).toEqual(expect.arrayContaining([260, 262, 261, 264, 266, 265]));
});

describe("the file beside the model", () => {
  let folder: string;
  let alone: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "polywen-mmproj-"));
    alone = join(folder, "alone.gguf");
    await copyFile(`${root}/qwen2vl/model.gguf`, alone);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const modelTypeOf = async (mmproj?: string | false): Promise<readonly [string, readonly string[]]> => {
    const { modelType, warnings } = await inspectModel(alone, { mmproj });
    return [modelType, warnings];
  };

  test("is given, found if it is the only one, or left out; the model is then one of text", async () => {
    const [given, other] = [`${root}/qwen2vl/mmproj.gguf`, `${root}/qwen25vl/mmproj.gguf`];
    expect(await modelTypeOf()).toEqual(["qwen2", [expect.stringContaining("no mmproj beside it")]]);
    expect(await modelTypeOf(given)).toEqual(["qwen2_vl", []]);
    await copyFile(given, join(folder, "mmproj-model-f16.gguf"));
    expect(await modelTypeOf()).toEqual(["qwen2_vl", []]);
    expect(await modelTypeOf(false)).toEqual(["qwen2", []]);
    await copyFile(other, join(folder, "alone.mmproj-f32.gguf"));
    expect(await modelTypeOf()).toEqual(["qwen2", [expect.stringContaining("2 mmproj files")]]);
    await expect(modelTypeOf(join(folder, "none.gguf"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("of the first converter has the same weights under other names, and no bounds of the size of pictures", async () => {
    // Within the bounds of the file that has some, and within those that the publisher states.
    const picture = image({ data: Uint8Array.from({ length: 61 * 55 * 3 }, (_, index) => (index * 37) % 251), width: 61, height: 55, channels: 3 });
    const logitsWith = async (mmproj: string): Promise<Float32Array> => {
      await using model = await loadModel(`${root}/qwen2vl/model.gguf`, { ...loadOptions, backend: "reference", mmproj });
      return (await model.logits({ ids: [260, 262, 261, 5], media: [picture] })).logits;
    };
    expect(await logitsWith(`${root}/qwen2vl-early/mmproj.gguf`)).toEqual(await logitsWith(`${root}/qwen2vl/mmproj.gguf`));
  });

  test("says how pictures are prepared", async () => {
    const seen = await inspectMedia(new Blob([new Uint8Array(await pictureOf("qwen3vl"))]), { model: `${root}/qwen3vl/model.gguf` });
    expect(seen).toMatchObject({ kind: "image", originalSize: { width: 45, height: 30 }, patchSize: 4, mergeSize: 2, rows: 24 });
  });

  test("is of use beside a GGUF file only", async () => {
    await expect(loadModel("polywen/tiny", { mmproj: `${root}/qwen2vl/mmproj.gguf` })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });
});
