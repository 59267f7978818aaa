import type { FuzzTarget } from "./fuzz-target.ts";
import { config, safetensors, shardIndex, tokenizer } from "./targets/folder-files.ts";
import { gguf } from "./targets/gguf.ts";
import { weights } from "./targets/weights.ts";

/** Every parser of foreign files. */
export const fuzzTargets: readonly FuzzTarget[] = [gguf, weights, safetensors, shardIndex, tokenizer, config];
