import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { audio, audioWindows, loadEncoder, loadModel, type MediaPart } from "polywen";
import { backends, loadOptions, TOLERANCE } from "./expect-transformers.ts";
import { expectPrompt, readPrompts } from "./media-prompts.ts";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const expectedOf = <T>(name: string): T => JSON.parse(readFileSync(`${fixtures}/sound/${name}/expected.json`, "utf8")) as T;
const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

describe.each(backends)("architectures that listen, as transformers computes them, on the %s backend", (backend) => {
  test("Whisper's encoder alone", async () => {
    const expected = expectedOf<{ audio: string; rows: number[]; features: number[][]; count: number }>("whisper");
    await using encoder = await loadEncoder(`${fixtures}/sound/whisper`, { backend });
    expect(encoder.info).toMatchObject({ modelType: "whisper", modality: "audio" });
    const { features, rows, width } = await encoder.encode(`${fixtures}/media/${expected.audio}`);
    expect([rows, width, features.length]).toEqual([expected.count, 32, expected.count * 32]);
    expect(largest(expected.rows.flatMap((row, index) => expected.features[index]!.map((value, column) => value - features[row * width + column]!)))).toBeLessThan(TOLERANCE);
  });

  test("Qwen2-Audio with two recordings, the prompt in chunks that cut through them", async () => {
    const expected = expectedOf<{ ids: number[]; audios: string[]; length: number; rows: number[]; logits: number[][]; greedy: number[]; std: number }>("qwen2_audio");
    await using model = await loadModel(`${fixtures}/sound/qwen2_audio`, { ...loadOptions, cacheTokens: 128, backend });
    const media = expected.audios.map((name) => audio(`${fixtures}/media/${name}`));
    const { ids, logits, greedy, vocabularySize } = await model.logits({ ids: expected.ids, media, maxTokens: expected.greedy.length });
    expect(ids).toHaveLength(expected.length);
    expect(largest(expected.rows.flatMap((row, index) => expected.logits[index]!.map((value, id) => value - logits[row * vocabularySize + id]!))) / expected.std).toBeLessThan(TOLERANCE);
    expect([...greedy]).toEqual(expected.greedy);
  });
});

describe.each(backends)("sounds in the published window of 30 seconds, as transformers computes them, on the %s backend", { timeout: 120_000 }, (backend) => {
  test.each(Object.entries(readPrompts(`${fixtures}/sound/qwen2_audio_30s/expected.json`)))("%s", async (_, expected) => {
    await using model = await loadModel(`${fixtures}/sound/qwen2_audio_30s`, { ...loadOptions, rowsPerStep: 97, cacheTokens: 2048, backend, media: { overlongAudio: "cut" } });
    await expectPrompt(model, expected);
  });
});

test("an encoder is no model, and a model is no encoder", async () => {
  await expect(loadModel(`${fixtures}/sound/whisper`)).rejects.toMatchObject({ code: "UNSUPPORTED", hint: expect.stringContaining("loadEncoder") });
  await expect(loadEncoder(`${fixtures}/sound/qwen2_audio`)).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test("an encoder that was disposed of, or is told to stop, encodes nothing", async () => {
  const encoder = await loadEncoder(`${fixtures}/sound/whisper`, { backend: "reference" });
  const sound = `${fixtures}/media/spoken-2-theo.wav`;
  await expect(encoder.encode(sound, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  const [running] = await Promise.allSettled([encoder.encode(sound), encoder.dispose()]);
  expect(running).toMatchObject({ status: "rejected", reason: { code: "ABORTED" } });
  await expect(encoder.encode(sound)).rejects.toMatchObject({ code: "DISPOSED" });
});

describe("prompts of Qwen2-Audio", () => {
  const folder = mkdtempSync(join(tmpdir(), "polywen-qwen2-audio-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const template = "{% for message in messages %}[{{ message.content }}]{% endfor %}";
  const [placeholder, before, after] = [263, 264, 265];
  const sound = `${fixtures}/media/spoken-2-theo.wav`;

  test("recordings are numbered as its published template numbers them, but not in a raw prompt", async () => {
    cpSync(`${fixtures}/sound/qwen2_audio`, folder, { recursive: true });
    writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify({ chat_template: template }));
    await using model = await loadModel(folder, { ...loadOptions, cacheTokens: 256, backend: "reference" });
    const rows = (await model.logits({ ids: [placeholder], media: [audio(sound)] })).ids.length;
    const clip = [before, ...Array<number>(rows).fill(placeholder), after];
    const ask = async (...[prompt, options]: Parameters<typeof model.generate>): Promise<readonly number[]> => (await model.generate(prompt, { maxTokens: 1, temperature: 0, ...options })).promptTokenIds;
    const text = (value: string): readonly number[] => model.tokenize(value);
    expect(await ask([audio(sound), "and", audio(sound)])).toEqual([...text("[Audio 1: "), ...clip, ...text("\nandAudio 2: "), ...clip, ...text("\n]")]);
    expect(await ask(["Say ", audio(sound)], { raw: true })).toEqual([...text("Say "), ...clip]);
  });

  test("a recording beyond its window is refused, cut, taken in part or in windows", async () => {
    const long = { samples: new Float32Array(16_000 * 5).map((_, index) => Math.sin(index / 9)), sampleRate: 16_000 };
    const rowsOf = async (media: readonly MediaPart[], overlongAudio: "error" | "cut" = "error"): Promise<number> => {
      await using model = await loadModel(`${fixtures}/sound/qwen2_audio`, { ...loadOptions, cacheTokens: 256, backend: "reference", media: { overlongAudio } });
      return (await model.logits({ ids: media.map(() => placeholder), media })).ids.length;
    };
    await expect(rowsOf([audio(long)])).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 2, received: 5 }, hint: expect.stringContaining("audioWindows") });
    expect(await rowsOf([audio(long)], "cut")).toBe(50);
    expect(await rowsOf([audio(long, { from: 1, to: 2 })])).toBe(25);
    expect(await rowsOf(await audioWindows(long, { seconds: 2 }))).toBe(125);
  });
});
