import type { FuzzTarget } from "./fuzz-target.ts";
import { config, safetensors, shardIndex, tokenizer } from "./targets/folder-files.ts";
import { gguf } from "./targets/gguf.ts";
import { images } from "./targets/images.ts";
import { mmproj, mmprojOmni } from "./targets/mmproj.ts";
import { weights } from "./targets/weights.ts";

/** Every parser of foreign files. */
export const fuzzTargets: readonly FuzzTarget[] = [gguf, mmproj, mmprojOmni, weights, safetensors, shardIndex, tokenizer, config, images];
