import { loadModel, selectBackend, type SelectedBackend } from "polywen";
import type { FuzzTarget } from "../fuzz-target.ts";
import { mutateGguf, mutateGgufData } from "../mutations/mutate-gguf.ts";
import { modelFiles } from "./gguf-seeds.ts";

let selected: Promise<SelectedBackend> | undefined;

/** A GGUF file to the end: native code unpacks its blocks and computes with them. */
export const weights: FuzzTarget = {
  name: "weights",
  fileName: "model.gguf",
  seeds: modelFiles,
  mutate: (bytes, random, other) => (random.once(3) ? mutateGguf(bytes, random, other) : mutateGgufData(bytes, random)),
  prepare: async () => {},
  async attempt(folder) {
    const { backend } = await (selected ??= selectBackend("auto", { threads: 1 }));
    const model = await loadModel(`${folder}/model.gguf`, { backend, cacheTokens: 64, rowsPerStep: 8, maxSequences: 1 });
    try {
      await model.logits({ ids: [1, 2, 3], maxTokens: 2 });
    } finally {
      await model.dispose();
    }
  },
  async close() {
    if (selected !== undefined) await (await selected).backend.dispose();
    selected = undefined;
  },
};
