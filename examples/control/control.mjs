import { loadModel } from "polywen";

const model = await loadModel("polywen/tiny");

// The same seed gives the same text, on every number of threads and whatever else runs beside it.
const sampled = () => model.generate("Who are you?", { temperature: 0.8, topP: 0.9, seed: 7, maxTokens: 30 });
const [one, two] = await Promise.all([sampled(), sampled()]);
console.log(one.text === two.text ? "equal" : "different", "texts from the same seed");

// Each token with its natural log-probability and the alternatives.
const { tokens } = await model.generate("Hello!", { temperature: 0, topLogprobs: 3, maxTokens: 4 });
for (const { id, logprob, top } of tokens) {
  console.log(JSON.stringify(model.detokenize([id])), logprob.toFixed(3), top.map((entry) => JSON.stringify(model.detokenize([entry.id]))).join(" "));
}

// A signal stops a reply between two steps; what there was is kept.
const controller = new AbortController();
const run = model.generate("Count to five.", { signal: controller.signal });
for await (const part of run) if (part.text.length > 0) controller.abort();
const { finishReason, text } = await run;
console.log(finishReason, JSON.stringify(text));

await model.dispose();
