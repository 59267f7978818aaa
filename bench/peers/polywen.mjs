/** Polywen as a peer. */
import { loadModel, selectBackend } from "polywen";
import { serve } from "./peer.mjs";

await serve(async ({ model: source, threads, sequences, contextTokens }) => {
  const { backend } = await selectBackend("cpu", { threads });
  // Prompts that are read later start later, and the others go on meanwhile.
  const spare = sequences === 1 ? 0 : Math.ceil((sequences * contextTokens) / 128) + sequences;
  const model = await loadModel(source, { backend, maxSequences: sequences, cacheTokens: sequences * (contextTokens + spare + 16) });
  const { memory } = model.info;
  return {
    info: { tier: backend.device.tier, threads, weightBytes: memory.weights, cacheBytes: memory.cache },
    run: async ({ prompts, generate, logprobs = false }) => {
      const { prefill, decode, tokenIds } = await model.benchmark({ prompts, generate, topLogprobs: logprobs ? 20 : 0 });
      return { prefill, decode, tokenIds: tokenIds.map((ids) => [...ids]) };
    },
    speed: async () => (await backend.measureSpeed?.()) ?? {},
    close: async () => {
      await model.dispose();
      await backend.dispose();
    },
  };
});
