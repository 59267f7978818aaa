import { loadModel } from "polywen";
import { pulse, seededWeights } from "./pulse.mjs";

const model = await loadModel("polywen/tiny", { modalities: [pulse.withWeights(seededWeights(192, 7))] });
const samples = Array.from({ length: 100 }, (_, index) => Math.sin(index / 5) + 0.1 * Math.cos(index));

const { text, usage } = await model.generate([pulse({ samples }), "What do you see?"], { maxTokens: 20 });
console.log(`${usage.mediaTokens} rows came from the time series. The connector is untrained, so the answer means nothing yet: ${text}`);
await model.dispose();
