import { initialWeights, loadModel, readTextShape } from "polywen";
import { pulse } from "./pulse.mjs";

const source = "polywen/tiny";
const weights = initialWeights(pulse, await readTextShape(source), { seed: 7 });
const model = await loadModel(source, { modalities: [pulse.withWeights(weights)] });
const samples = Array.from({ length: 100 }, (_, index) => Math.sin(index / 5) + 0.1 * Math.cos(index));

const { text, usage } = await model.generate([pulse({ samples }), "What do you see?"], { maxTokens: 20 });
console.log(`${usage.mediaTokens} rows came from the time series. The connector is untrained, so the answer means nothing yet: ${text}`);
await model.dispose();
