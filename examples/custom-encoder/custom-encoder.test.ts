import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { defineModality, identityConnector, initialWeights, linearConnector, loadEncoder, loadModel, openEncoder, readTextShape } from "polywen";
import { photo } from "./photo.mjs";

const fixtures = fileURLToPath(new URL("../../test/fixtures", import.meta.url));
const picture = `${fixtures}/media/scene-count.png`;
const sound = `${fixtures}/media/spoken-2-theo.wav`;
const text = await readTextShape("polywen/tiny");

/** `rows · weightᵀ`, with weights that take column `i` of the features to column `i` of the rows. */
function widened(features: Float32Array, width: number): number[] {
  return Array.from({ length: (features.length / width) * text.hiddenSize }, (_, index) => {
    const [row, column] = [Math.floor(index / text.hiddenSize), index % text.hiddenSize];
    return column < width ? features[row * width + column]! : 0;
  });
}

test.each([["DINOv2", "encoders/dinov2", picture], ["Whisper", "sound/whisper", sound]])("%s by itself and as a part of a modality gives the same features", async (_, folder, input) => {
  const alone = await loadEncoder(`${fixtures}/${folder}`);
  const { features, width } = await alone.encode(input);
  await alone.dispose();
  const modality = defineModality({ name: "thing", encoder: await openEncoder(`${fixtures}/${folder}`), connector: linearConnector() });
  const weights = initialWeights(modality, text, { seed: 1 });
  expect([...weights.keys()]).toEqual(["connector.weight", "connector.bias"]);
  const matrix = new Float32Array(text.hiddenSize * width);
  for (let column = 0; column < width; column++) matrix[column * width + column] = 1;
  weights.set("connector.weight", { dtype: "f32", shape: [text.hiddenSize, width], location: { kind: "bytes", bytes: new Uint8Array(matrix.buffer) } });
  const model = await loadModel("polywen/tiny", { modalities: [modality.withWeights(weights)] });
  const { media } = await model.logits({ ids: [1, model.info.placeholders["thing"]!, 2], media: [modality(input)] });
  const expected = widened(features, width);
  expect(media[0]!.features.length).toBe(expected.length);
  expected.forEach((value, index) => expect(Math.abs(media[0]!.features[index]! - value)).toBeLessThan(1e-6));
  await model.dispose();
});

test("the modality of the example answers", async () => {
  const modality = await photo(`${fixtures}/encoders/dinov2`);
  const model = await loadModel("polywen/tiny", { modalities: [modality.withWeights(initialWeights(modality, text, { seed: 1 }))] });
  const { usage } = await model.generate([modality(picture), "What do you see?"], { maxTokens: 4 });
  expect(usage.mediaTokens).toBe(13);
  await model.dispose();
});

test("features of another width than the text model's need a connector", async () => {
  const modality = defineModality({ name: "thing", encoder: await openEncoder(`${fixtures}/encoders/dinov2`), connector: identityConnector() });
  await expect(loadModel("polywen/tiny", { modalities: [modality.withWeights(new Map())] })).rejects.toMatchObject({ code: "PROGRAM_INVALID" });
  await expect(openEncoder(`${fixtures}/folders/qwen2`)).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test.each(["encoders/dinov2", "sound/whisper"])("%s: a folder that does not say how media are prepared is refused, and it is no model of text", async (name) => {
  const folder = await mkdtemp(join(tmpdir(), "polywen-encoder-"));
  await cp(`${fixtures}/${name}`, folder, { recursive: true });
  await expect(readTextShape(folder)).rejects.toMatchObject({ code: "UNSUPPORTED", hint: expect.stringContaining("loadEncoder") });
  await rm(join(folder, "preprocessor_config.json"), { force: true });
  await rm(join(folder, "processor_config.json"), { force: true });
  await expect(openEncoder(folder)).rejects.toMatchObject({ code: "NOT_FOUND", facts: { name: "preprocessor_config.json", where: folder } });
  await rm(folder, { recursive: true });
});
