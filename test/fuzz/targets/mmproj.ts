import { readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { inspectModel } from "polywen";
import type { FuzzTarget } from "../fuzz-target.ts";
import { mutateGguf } from "../mutations/mutate-gguf.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/mmproj/${name}`, import.meta.url));

/** The file with which a GGUF model sees pictures: its configuration, and which tensors become which. */
export const mmproj: FuzzTarget = {
  name: "mmproj",
  fileName: "mmproj.gguf",
  seeds: () => ["qwen2vl", "qwen25vl"].map((name) => readFileSync(fixture(`${name}/mmproj.gguf`))),
  mutate: mutateGguf,
  prepare: (folder) => copyFile(fixture("qwen2vl/model.gguf"), `${folder}/model.gguf`),
  async attempt(folder) {
    await inspectModel(`${folder}/model.gguf`);
  },
};
