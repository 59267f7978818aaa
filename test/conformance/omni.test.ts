import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audio, image, loadModel, video, type MediaPart, type Model } from "polywen";
import { backends, loadOptions } from "./expect-transformers.ts";
import { expectPrompt, mediaOf, readPrompts } from "./media-prompts.ts";

const folder = fileURLToPath(new URL("../fixtures/omni", import.meta.url));
const cases = readPrompts(`${folder}/expected.json`);
const soundInVideo = readPrompts(`${folder}/sound-in-video.json`);

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

  test.each(Object.entries(soundInVideo))("%s", (_, expected) => expectPrompt(model, expected));

  test("the special tokens of a video with its sound stand where a chat has them", async () => {
    const prompt = soundInVideo["two videos with sound, a picture and a recording"]!;
    const { ids, expanded } = prompt;
    const parts = await mediaOf(prompt);
    const spelled = parts.map(({ modality }) => `<|${modality}|>`).join("");
    expect(spelled).toBe("<|video|><|audio|><|image|><|video|>");
    expect(ids.length).toBeLessThan(expanded.length);
    const { promptTokenIds, usage } = await model.generate([parts[0]!, parts[1]!, " and ", parts[2]!, parts[3]!, "?"], { raw: true, maxTokens: 1 });
    expect([...promptTokenIds]).toEqual(expanded);
    expect(usage.mediaTokens).toBe(expanded.filter((id) => [262, 263, 266].includes(id)).length);
  });

  test("swapping the sound of a video changes what the model makes of it, and so does leaving it out", async () => {
    const frames = Array.from({ length: 2 }, () => ({ data: new Uint8Array(40 * 40 * 3).fill(90), width: 40, height: 40, channels: 3 as const }));
    const ids = [260, 263, 261];
    const last = async (sound?: number): Promise<Float32Array> => {
      const given = sound === undefined ? {} : { sound: { samples: Float32Array.from({ length: 16_000 }, (_, index) => Math.sin(index * sound)), sampleRate: 16_000 } };
      const { logits, vocabularySize } = await model.logits({ ids, media: [video(frames, { fps: 2, ...given })] });
      return logits.slice(-vocabularySize);
    };
    const [high, low, none, again] = [await last(0.9), await last(0.1), await last(), await last(0.9)];
    expect(high).toEqual(again);
    expect(high).not.toEqual(low);
    expect(high).not.toEqual(none);
  });

  test("a sound that cannot be heard, and media that do not belong together, are typed errors", async () => {
    const frame = { data: new Uint8Array(40 * 40 * 3), width: 40, height: 40, channels: 3 as const };
    const heard = (part: MediaPart) => model.logits({ ids: [260, 263, 261], media: [part] });
    await expect(heard(video([frame], { sound: { samples: new Float32Array(0), sampleRate: 16_000 } }))).rejects.toMatchObject({ code: "FILE_INVALID" });
    await expect(heard(video([frame], { sound: { samples: Float32Array.of(Number.NaN), sampleRate: 16_000 } }))).rejects.toMatchObject({ code: "FILE_INVALID" });
    await expect(heard({ ...video([frame]), beside: image(frame) })).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining("video with image beside it") });
    await expect(model.logits({ ids: [262], media: [{ ...image(frame), beside: audio({ samples: new Float32Array(9000), sampleRate: 16_000 }) }] })).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  test("a picture that is more than 200 times as wide as high is refused, as transformers refuses it", async () => {
    const line = (width: number) => image({ data: new Uint8Array(width * 3), width, height: 1, channels: 3 });
    await expect(model.logits({ ids: [model.info.placeholders["image"]!], media: [line(201)] })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 200 } });
    expect((await model.logits({ ids: [model.info.placeholders["image"]!], media: [line(200)] })).ids.length).toBeGreaterThan(0);
  });
});
