import { readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { inspectModel } from "polywen";
import type { FuzzTarget } from "../fuzz-target.ts";
import { mutateGguf } from "../mutations/mutate-gguf.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/mmproj/${name}`, import.meta.url));

/** The file with which the GGUF model of a fixture sees or hears: its configuration, and which tensors become which. */
function projector(name: string, model: string, fixtures: readonly string[]): FuzzTarget {
  return {
    name,
    fileName: "mmproj.gguf",
    seeds: () => fixtures.map((other) => readFileSync(fixture(`${other}/mmproj.gguf`))),
    mutate: mutateGguf,
    prepare: (folder) => copyFile(fixture(`${model}/model.gguf`), `${folder}/model.gguf`),
    async attempt(folder) {
      await inspectModel(`${folder}/model.gguf`);
    },
  };
}

/** What sees. */
export const mmproj: FuzzTarget = projector("mmproj", "qwen2vl", ["qwen2vl", "qwen25vl"]);

/** What sees and hears. */
export const mmprojOmni: FuzzTarget = projector("mmproj-omni", "qwen25omni", ["qwen25omni"]);
