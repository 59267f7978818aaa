import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialWeights, loadModel, readTextShape, saveModality } from "polywen";
import { series } from "./series.mjs";

const source = "polywen/tiny";
const text = await readTextShape(source);

// Fresh weights: a training run would start from them. Gates are zero, so that the model answers as if nothing had been added.
const folder = await mkdtemp(join(tmpdir(), "series-"));
await saveModality(folder, series.withWeights(initialWeights(series, text, { seed: 1 })), text);

const model = await loadModel(source, { modalities: [series.withWeights(folder)] });
const values = Array.from({ length: 1000 }, (_, index) => Math.sin(index / 9) * (1 + index / 500));
const { text: reply, usage } = await model.generate([series({ values }), "What do you see?"], { maxTokens: 20 });
console.log(`${usage.attendedTokens} rows stand beside the ${usage.promptTokens} of the prompt; untrained, they change nothing: ${reply}`);
await model.dispose();
await rm(folder, { recursive: true });
