/**
 * Runs a model for compare-greedy.py: a JSON request a line on stdin, a JSON answer a line on stdout.
 *
 *     node polywen-worker.mjs FOLDER BACKEND KV_DTYPE [THREADS]
 *
 * { "prompt": text, "maxTokens": n }               → { "promptTokenIds", "tokenIds", "text" }
 * { "ids": [...], "maxTokens": n, "file": path }   → { "tokenIds" }; the logits [rows, vocabulary] go to the file, if given
 */
import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { loadModel } from "polywen";

const [folder = "", backend = "", kvDType = "", threads] = process.argv.slice(2);
const options = /** @type {import("polywen").LoadModelOptions} */ ({ backend, kvDType, cacheTokens: 1024, rowsPerStep: 64 });
const model = await loadModel(folder, threads === undefined ? options : { ...options, threads: Number(threads) });

/** @param {unknown} value */
function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** @param {{ prompt: string, maxTokens: number }} request */
async function complete({ prompt, maxTokens }) {
  const { promptTokenIds, tokenIds, text } = await model.generate(prompt, { raw: true, temperature: 0, repetitionPenalty: 1, maxTokens });
  return { promptTokenIds, tokenIds, text };
}

/** @param {{ ids: number[], maxTokens: number, file?: string }} request */
async function continueIds({ ids, maxTokens, file }) {
  const { logits, greedy } = await model.logits({ ids, maxTokens });
  if (file !== undefined) await writeFile(file, logits);
  return { tokenIds: [...greedy] };
}

const { backend: loaded, device, path } = model.info;
answer({ backend: loaded, device, path });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  answer(await ("prompt" in request ? complete(request) : continueIds(request)));
}
await model.dispose();
