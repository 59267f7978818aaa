import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { image, loadModel, type Model } from "polywen";
import { backends, loadOptions } from "./expect-transformers.ts";
import { expectPrompt, readPrompts } from "./media-prompts.ts";

const folder = fileURLToPath(new URL("../fixtures/omni", import.meta.url));
const cases = readPrompts(`${folder}/expected.json`);

/** Machines that run tests are often busy. */
const patience = 120_000;

describe.each(backends)("Qwen2.5-Omni with many media in a prompt, as transformers computes it, on the %s backend", { timeout: patience }, (backend) => {
  let model: Model;
  // Steps of 97 rows cut through every medium that is longer.
  beforeAll(async () => void (model = await loadModel(folder, { ...loadOptions, rowsPerStep: 97, cacheTokens: 2048, backend })));
  afterAll(() => model.dispose());

  test("is published with a thinker inside", () => {
    expect(model.info).toMatchObject({ modelType: "qwen2_5_omni", modalities: ["text", "image", "video", "audio"], warnings: [] });
  });

  test.each(Object.entries(cases))("%s", (_, expected) => expectPrompt(model, expected));

  test("a picture that is more than 200 times as wide as high is refused, as transformers refuses it", async () => {
    const line = (width: number) => image({ data: new Uint8Array(width * 3), width, height: 1, channels: 3 });
    await expect(model.logits({ ids: [model.info.placeholders["image"]!], media: [line(201)] })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 200 } });
    expect((await model.logits({ ids: [model.info.placeholders["image"]!], media: [line(200)] })).ids.length).toBeGreaterThan(0);
  });
});
