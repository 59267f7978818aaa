import { loadModel } from "polywen";

const model = await loadModel("polywen/tiny");
const [question, same, other] = await model.embed(["What digit is this?", "What digit do you see?", "What is on the left?"]);

/** @param {Float32Array | undefined} left @param {Float32Array | undefined} right */
const cosine = (left, right) => left?.reduce((sum, value, index) => sum + value * (right?.[index] ?? 0), 0).toFixed(2);
console.log(cosine(question, same), cosine(question, other));

const { perplexity, tokens } = await model.perplexity("What digit is this? It is a seven.");
console.log(perplexity.toFixed(1), "over", tokens, "tokens");
await model.dispose();
