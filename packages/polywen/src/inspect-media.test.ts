import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audio, image } from "./content.ts";
import { inspectMedia } from "./inspect-media.ts";
import { loadModel } from "./load-model.ts";
import type { Model } from "./model.ts";

/** Files of the goldens of other packages, by name. */
async function golden(path: string): Promise<Readonly<Record<string, Uint8Array>>> {
  const files = JSON.parse(await readFile(new URL(`../../${path}.json`, import.meta.url), "utf8")) as Readonly<Record<string, { readonly file: string }>>;
  return Object.fromEntries(Object.entries(files).map(([name, { file }]) => [name, Buffer.from(file, "base64")]));
}

const pictures = await golden("vision/src/goldens/decode-image");
const sounds = await golden("audio/src/goldens/compressed");
const speech = fileURLToPath(new URL("../../../examples/media/spoken-digit.wav", import.meta.url));

let model: Model;
beforeAll(async () => {
  model = await loadModel("polywen/tiny", { backend: "reference" });
});
afterAll(() => model.dispose());

describe("inspectMedia", () => {
  it.each([
    ["orientation6.jpg", "JPEG", "it is turned upright (orientation 6)"],
    ["animation.gif", "GIF", "the first of 2 frames is taken"],
  ])("%s: rows and picture are those of a prompt", async (name, format, change) => {
    const seen = await inspectMedia(pictures[name]!);
    expect(seen).toMatchObject({ kind: "image", format, changes: expect.arrayContaining([change]) });
    const { usage } = await model.generate([image(pictures[name]!), "?"], { maxTokens: 1 });
    expect(seen.rows).toBe(usage.mediaTokens);
    expect((await inspectMedia(seen.picture)).kind).toBe("image");
  });

  it.each([
    ["a WAV file", speech, false],
    ["an MP3 file", sounds["stereo-44100.mp3"]!, true],
  ])("%s: rows and spectrogram are those of a prompt", async (_, source, resampled) => {
    const heard = await inspectMedia(source);
    expect(heard).toMatchObject({ kind: "audio", resampled });
    if (heard.kind !== "audio") return;
    const { usage } = await model.generate([audio(source), "?"], { maxTokens: 1 });
    expect(heard.rows).toBe(usage.mediaTokens);
    expect(await inspectMedia(heard.picture)).toMatchObject({ kind: "image", originalSize: { width: heard.frames } });
  });
});
