import { UnsupportedError } from "@polywen/tensor";
import type { JsonObject } from "@polywen/formats";
import type { TextModel } from "../text-model.ts";
import { parseLlamaConfig, parseMistralConfig } from "./llama/llama-config.ts";
import { createLlamaModel } from "./llama/llama-model.ts";
import { parseQwen2Config } from "./qwen2/qwen2-config.ts";
import { createQwen2Model } from "./qwen2/qwen2-model.ts";
import { parseQwen2MoeConfig } from "./qwen2-moe/qwen2-moe-config.ts";
import { createQwen2MoeModel } from "./qwen2-moe/qwen2-moe-model.ts";
import { parseQwen3MoeConfig } from "./qwen3-moe/qwen3-moe-config.ts";
import { createQwen3MoeModel } from "./qwen3-moe/qwen3-moe-model.ts";
import { parseQwen3Config } from "./qwen3/qwen3-config.ts";
import { createQwen3Model } from "./qwen3/qwen3-model.ts";

/** Text families by `model_type`. */
const families: Readonly<Record<string, (config: JsonObject, file: string) => TextModel>> = {
  llama: (config, file) => createLlamaModel(parseLlamaConfig(config, { file })),
  mistral: (config, file) => createLlamaModel(parseMistralConfig(config, { file })),
  qwen2: (config, file) => createQwen2Model(parseQwen2Config(config, { file })),
  qwen2_moe: (config, file) => createQwen2MoeModel(parseQwen2MoeConfig(config, { file })),
  qwen3_moe: (config, file) => createQwen3MoeModel(parseQwen3MoeConfig(config, { file })),
  qwen3: (config, file) => createQwen3Model(parseQwen3Config(config, { file })),
};

/** `model_type`s that `createTextModel` knows. */
export const textModelTypes: readonly string[] = Object.keys(families);

/** The text model that config.json describes. Throws `UnsupportedError` naming the known families. */
export function createTextModel(modelType: string, config: JsonObject, file: string): TextModel {
  const family = Object.hasOwn(families, modelType) ? families[modelType] : undefined;
  if (family === undefined) throw new UnsupportedError({ feature: `model_type "${modelType}" (${file})`, supported: textModelTypes });
  return family(config, file);
}
