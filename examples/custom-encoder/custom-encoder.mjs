import { fileURLToPath } from "node:url";
import { initialWeights, loadModel, readTextShape } from "polywen";
import { photo } from "./photo.mjs";

// The folder of a published encoder: DINOv2 for pictures. Without one, the tiny random one of our tests.
const folder = process.argv[2] ?? fileURLToPath(new URL("../../test/fixtures/encoders/dinov2", import.meta.url));
const picture = process.argv[3] ?? fileURLToPath(new URL("../../test/fixtures/media/scene-count.png", import.meta.url));

const modality = await photo(folder);
const weights = initialWeights(modality, await readTextShape("polywen/tiny"), { seed: 1 });
const model = await loadModel("polywen/tiny", { modalities: [modality.withWeights(weights)] });
const { text, usage } = await model.generate([modality(picture), "What do you see?"], { maxTokens: 20 });
console.log(`${usage.mediaTokens} rows came from the encoder. The connector is untrained, so the answer means nothing yet: ${text}`);
await model.dispose();
