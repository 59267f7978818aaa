import { execFileSync } from "node:child_process";
import { copyFile, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidFileError, NotFoundError, PolywenError, UnsupportedError } from "@polywen/tensor";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readGenerationConfig } from "./generation-config.ts";
import { openModelFolder } from "./model-folder.ts";
import { readPreprocessorConfig } from "./preprocessor-config.ts";
import { createTestFolder, failureOf, safetensorsBytes, type TestFolder } from "./test-folder.ts";

const goldenFile = (name: string): string => fileURLToPath(new URL(`goldens/${name}`, import.meta.url));

let folder: TestFolder;
beforeEach(async () => void (folder = await createTestFolder()));
afterEach(() => folder.remove());

describe("openModelFolder", () => {
  it("reads config.json and finds what else is there", async () => {
    const configPath = await folder.write("config.json", '{"model_type": "qwen2", "hidden_size": 896}');
    const tokenizer = await folder.write("tokenizer.json", "{}");
    const weights = await folder.write("model.safetensors", safetensorsBytes("{}"));
    const model = await openModelFolder(folder.path);
    expect(model).toMatchObject({ configPath, modelType: "qwen2", config: { hidden_size: 896 }, warnings: [] });
    expect(model.files).toMatchObject({ tokenizer, weights, merges: undefined, generationConfig: undefined, chatTemplate: undefined });
  });

  it("warns that code of a checkpoint is never executed", async () => {
    await folder.write("config.json", '{"model_type": "qwen2", "auto_map": {"AutoModel": "modeling.Evil"}}');
    expect((await openModelFolder(folder.path)).warnings).toEqual([expect.stringContaining("never executes code")]);
  });

  it.each(["", "   ", "not json", "[]", "null", "{}", '{"model_type": 3}', '{"model_type": ""}'])("refuses the config %j", async (text) => {
    const path = await folder.write("config.json", text);
    expect((await failureOf(openModelFolder(folder.path))).facts).toMatchObject({ file: path });
  });

  it("reports a missing folder, a missing config and a file in place of a folder", async () => {
    expect(await failureOf(openModelFolder(join(folder.path, "none")))).toBeInstanceOf(NotFoundError);
    expect((await failureOf(openModelFolder(folder.path))).facts).toMatchObject({ name: "config.json", where: folder.path });
    expect(await failureOf(openModelFolder(await folder.write("file", "")))).toBeInstanceOf(NotFoundError);
  });

  it.skipIf(process.platform === "win32")("refuses links out of the folder and does not wait for a pipe", async () => {
    execFileSync("mkfifo", [join(folder.path, "config.json")]);
    expect(await failureOf(openModelFolder(folder.path))).toMatchObject({ facts: { problem: "it is not a regular file" } });
    const other = await createTestFolder();
    await symlink("/etc/hostname", join(other.path, "config.json"));
    expect(await failureOf(openModelFolder(other.path))).toBeInstanceOf(InvalidFileError);
    await other.remove();
  });
});

describe("readGenerationConfig", () => {
  it("reads what transformers writes", async () => {
    expect(await readGenerationConfig(goldenFile("generation_config.json"))).toEqual({
      eosTokenIds: [151645, 151643], bosTokenId: 151643, padTokenId: 151643, doSample: true, temperature: 0.7,
      topK: 20, topP: 0.8, minP: undefined, repetitionPenalty: 1.05, maxNewTokens: 2048,
    });
  });

  it("takes one end token, none, and nulls", async () => {
    const read = async (text: string): Promise<readonly number[]> => (await readGenerationConfig(await folder.write("g.json", text))).eosTokenIds;
    expect(await read('{"eos_token_id": 5}')).toEqual([5]);
    expect(await read('{"eos_token_id": null, "temperature": null}')).toEqual([]);
    expect(await read("{}")).toEqual([]);
  });

  it.each([
    ['{"eos_token_id": -1}', "/eos_token_id/0"],
    ['{"eos_token_id": [1, 2.5]}', "/eos_token_id/1"],
    ['{"eos_token_id": "2"}', "/eos_token_id"],
    ['{"temperature": -0.1}', "/temperature"],
    ['{"temperature": 1e999}', "/temperature"],
    ['{"top_p": 1.5}', "/top_p"],
    ['{"top_k": 1.5}', "/top_k"],
    ['{"repetition_penalty": 0}', "/repetition_penalty"],
    ['{"do_sample": "yes"}', "/do_sample"],
    ['{"max_new_tokens": 1e300}', "/max_new_tokens"],
  ])("refuses %s", async (text, pointer) => {
    expect((await failureOf(readGenerationConfig(await folder.write("g.json", text)))).facts).toMatchObject({ pointer });
  });
});

describe("readPreprocessorConfig", () => {
  const clip = { image_mean: [0.48145466, 0.4578275, 0.40821073], image_std: [0.26862954, 0.26130258, 0.27577711], patch_size: 14, temporal_patch_size: 2, merge_size: 2 };
  const write = (value: object): Promise<string> => folder.write("preprocessor_config.json", JSON.stringify({ image_processor_type: "Qwen2VLImageProcessor", ...clip, ...value }));

  it("reads what transformers writes, in both layouts", async () => {
    const expected = {
      image: {
        type: "Qwen2VLImageProcessor", doConvertRgb: true, doResize: true, resample: 3, doRescale: true, rescaleFactor: 1 / 255, doNormalize: true,
        imageMean: clip.image_mean, imageStd: clip.image_std, patchSize: 14, temporalPatchSize: 2, mergeSize: 2, minPixels: 3136, maxPixels: 200_000,
      },
      audio: { samplingRate: 16_000, featureSize: 128, fftSize: 400, hopLength: 160, chunkLength: 300, paddingValue: 0, dither: 0 },
    };
    await copyFile(goldenFile("processor_config.json"), join(folder.path, "processor_config.json"));
    expect(await readPreprocessorConfig(join(folder.path, "processor_config.json"))).toEqual(expected);
    const { image_processor: image, feature_extractor: audio } = JSON.parse(await readFile(goldenFile("processor_config.json"), "utf8")) as Record<string, object>;
    expect(await readPreprocessorConfig(await folder.write("flat.json", JSON.stringify({ ...image, ...audio })))).toEqual(expected);
  });

  it("takes pixel bounds from where a file puts them", async () => {
    const bounds = async (value: object): Promise<unknown[]> => {
      const { image } = await readPreprocessorConfig(await write(value));
      return [image?.minPixels, image?.maxPixels];
    };
    expect(await bounds({ size: { shortest_edge: 65_536, longest_edge: 16_777_216 } })).toEqual([65_536, 16_777_216]);
    expect(await bounds({ min_pixels: 3136, max_pixels: 12_845_056, size: { shortest_edge: 1, longest_edge: 2 } })).toEqual([3136, 12_845_056]);
    expect(await bounds({ size: { min_pixels: 100, max_pixels: 200 } })).toEqual([100, 200]);
    expect(await bounds({})).toEqual([3136, 1_003_520]);
  });

  it("describes only the modalities that the file does", async () => {
    expect((await readPreprocessorConfig(await write({ image_processor_type: "Qwen2VLImageProcessorFast" }))).image?.type).toBe("Qwen2VLImageProcessor");
    expect((await readPreprocessorConfig(await write({}))).audio).toBeUndefined();
    expect(await readPreprocessorConfig(await folder.write("none.json", "{}"))).toEqual({ image: undefined, audio: undefined });
  });

  it.each([
    [{ image_mean: [0.5, 0.5] }, "/image_mean"],
    [{ image_std: [0.5, 0, 0.5] }, "/image_std/1"],
    [{ patch_size: 0 }, "/patch_size"],
    [{ merge_size: 1e9 + 0.5 }, "/merge_size"],
    [{ min_pixels: 10, max_pixels: 9 }, ""],
    [{ size: 3 }, "/size"],
    [{ feature_extractor_type: "WhisperFeatureExtractor", hop_length: 0 }, "/hop_length"],
  ])("refuses %j", async (value, pointer) => {
    expect((await failureOf(readPreprocessorConfig(await write(value)))).facts).toMatchObject({ pointer });
  });

  it("refuses processors of other classes", async () => {
    expect(await failureOf(readPreprocessorConfig(await write({ image_processor_type: "ViTImageProcessor" })))).toBeInstanceOf(UnsupportedError);
  });
});

describe("damaged configurations", () => {
  it("end in a typed error or a complete result", async () => {
    const goldens = await Promise.all(["generation_config.json", "processor_config.json"].map((name) => readFile(goldenFile(name), "utf8")));
    const edit = fc.record({ at: fc.nat(), remove: fc.nat(8), insert: fc.constantFrom("", "0", "-1", "1e999", "null", '"', "{", "]", ",", "\\u0000", "é") });
    const untyped: unknown[] = [];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...goldens), fc.array(edit, { minLength: 1, maxLength: 4 }), async (text, edits) => {
        const damaged = edits.reduce((before, { at, remove, insert }) => {
          const start = at % before.length;
          return `${before.slice(0, start)}${insert}${before.slice(start + remove)} `;
        }, text);
        const path = await folder.write("config.json", damaged);
        for (const read of [readGenerationConfig, readPreprocessorConfig, () => openModelFolder(folder.path)]) {
          const error: unknown = await read(path).then(() => undefined, (reason: unknown) => reason);
          if (error !== undefined && !(error instanceof PolywenError)) untyped.push({ damaged, error });
        }
        return untyped.length === 0;
      }),
      { numRuns: 500 },
    );
    expect(untyped).toEqual([]);
  });
});
