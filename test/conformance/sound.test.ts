import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { audio, loadEncoder, loadModel } from "polywen";
import { backends, loadOptions, TOLERANCE } from "./expect-transformers.ts";

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
