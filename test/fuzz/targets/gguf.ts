import { inspectModel, openTokenizer } from "polywen";
import type { FuzzTarget } from "../fuzz-target.ts";
import { mutateGguf } from "../mutations/mutate-gguf.ts";
import { modelFiles, sentencePieceFiles } from "./gguf-seeds.ts";
import { useTokenizer } from "./use-tokenizer.ts";

/** A GGUF file: header, metadata, table of tensors, configuration and tokenizer. */
export const gguf: FuzzTarget = {
  name: "gguf",
  fileName: "model.gguf",
  seeds: () => [...modelFiles(), ...sentencePieceFiles()],
  mutate: mutateGguf,
  prepare: async () => {},
  async attempt(folder) {
    await inspectModel(`${folder}/model.gguf`);
    useTokenizer(await openTokenizer(`${folder}/model.gguf`));
  },
};
