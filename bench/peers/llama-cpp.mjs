/** node-llama-cpp as a peer: its prebuilt binary, one sequence of a context for each prompt. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { serve } from "./peer.mjs";

await serve(async ({ model: modelPath, threads, sequences, contextTokens, flashAttention = false, packages = "." }) => {
  const installed = resolve(packages, "node_modules/node-llama-cpp");
  const { version } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  const { getLlama } = await import(pathToFileURL(join(installed, "dist/index.js")).href);
  const llama = await getLlama({ build: "never", gpu: false, maxThreads: 0, progressLogs: false, logLevel: "error" });
  if (llama.buildType !== "prebuilt") throw new TypeError(`node-llama-cpp runs a ${llama.buildType} binary; the prebuilt one is to be measured.`);
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ sequences, contextSize: contextTokens, threads, flashAttention });
  /** @type {any[]} */
  const all = Array.from({ length: sequences }, () => context.getSequence());

  /**
   * The prompt whose first token comes last has a token in each step from then on, and so has every other one.
   * @param {import("./peer.mjs").RunRequest} request
   */
  const run = async ({ prompts, generate, logprobs = false }) => {
    const started = performance.now();
    let [reading, last, readAt, endedAt] = [prompts.length, -1, 0, 0];
    const tokenIds = await Promise.all(
      prompts.map(async (prompt, index) => {
        const options = { temperature: 0, yieldEogToken: true };
        const sequence = all[index];
        const stream = logprobs ? sequence.evaluateWithMetadata(prompt, { probabilities: true }, options) : sequence.evaluate(prompt, options);
        /** @type {number[]} */
        const ids = [];
        for await (const item of stream) {
          ids.push(logprobs ? item.token : item);
          if (ids.length === 1 && --reading === 0) [last, readAt] = [index, performance.now()];
          if (index === last && ids.length === generate + 1) endedAt = performance.now();
          if (endedAt > 0) break;
        }
        return ids.slice(0, generate + 1);
      }),
    );
    for (const sequence of all) await sequence.clearHistory();
    const tokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
    return { prefill: { tokens, ms: readAt - started }, decode: { tokens: prompts.length * generate, ms: endedAt - readAt }, tokenIds };
  };

  return {
    info: { version, release: llama.llamaCppRelease.release, systemInfo: llama.systemInfo.trim(), threads: context.currentThreads, flashAttention: context.flashAttention, contextSize: context.contextSize },
    run,
    tokenize: (text) => model.tokenize(text),
    close: () => llama.dispose(),
  };
});
