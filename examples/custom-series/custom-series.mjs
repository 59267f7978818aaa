import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialWeights, inspectModel, loadModel, saveModality } from "polywen";
import { series } from "./series.mjs";

const source = "polywen/tiny";
const { architecture } = await inspectModel(source);
if (architecture === undefined) throw new Error("not a model of text");

// Fresh weights: a training run would start from them. Gates are zero, so that the model answers as if nothing had been added.
const folder = await mkdtemp(join(tmpdir(), "series-"));
await saveModality(folder, series.withWeights(initialWeights(series, architecture, { seed: 1 })), architecture);

const model = await loadModel(source, { modalities: [series.withWeights(folder)] });
const values = Array.from({ length: 1000 }, (_, index) => Math.sin(index / 9) * (1 + index / 500));
const { text, usage } = await model.generate([series({ values }), "What do you see?"], { maxTokens: 20 });
console.log(`${usage.attendedTokens} rows stand beside the ${usage.promptTokens} of the prompt; untrained, they change nothing: ${text}`);
await model.dispose();
await rm(folder, { recursive: true });
