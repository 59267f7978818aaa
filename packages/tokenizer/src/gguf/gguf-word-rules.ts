import { isolated } from "../parse-pre-tokenizer.ts";
import type { WordStep } from "../tokenizer-definition.ts";
import { deepseekV3Pattern, gpt2Pattern, llama3Pattern, o200kPattern, qwen2Pattern, qwen35Pattern, tekkenPattern, translateWordPattern } from "../word-patterns.ts";

/** What `tokenizer.ggml.pre` stands for. */
export interface GgufWordRules {
  readonly steps: () => WordStep[];
  /** A word that is a token is taken whole. */
  readonly ignoreMerges: boolean;
  /** What holds if the file does not say `add_bos_token`. */
  readonly addBos: boolean;
}

const known = (pattern: string): WordStep => isolated(translateWordPattern(pattern) as RegExp);
const rules = (steps: () => WordStep[], options: Partial<GgufWordRules> = {}): GgufWordRules => ({ steps, ignoreMerges: false, addBos: false, ...options });

const gpt2 = rules(() => [known(gpt2Pattern)]);
const digitsThenGpt2 = rules(() => [isolated(/\p{N}/gu), known(gpt2Pattern)]);
const qwen2 = rules(() => [known(qwen2Pattern)]);
const llama3 = rules(() => [known(llama3Pattern)]);
const llama3Whole = rules(llama3.steps, { ignoreMerges: true, addBos: true });
const fallback = rules(() => [isolated(/[\p{P}$+<=>^~|]+/gu), known(gpt2Pattern), isolated(/\p{N}+/gu), isolated(/[0-9][0-9][0-9]/gu)]);
const falcon = rules(() => [isolated(/[\p{P}$+<=>^~|`]+/gu), known(gpt2Pattern), isolated(/[0-9][0-9][0-9]/gu)]);
const deepseekV3 = rules(() => [isolated(/\p{N}{1,3}/gu), isolated(/[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+/gu), known(deepseekV3Pattern)]);

/**
 * The names that llama.cpp gives to word rules; each was compared with it (`test/conformance-llama`). Those of GPT-4o and Tekken follow the
 * tokenizer.json of the models, where combining marks belong to letters.
 */
const byName: Readonly<Record<string, readonly [GgufWordRules, string]>> = {
  default: [fallback, "default"],
  gpt2: [gpt2, "gpt-2 phi-2 mpt olmo exaone4 gigachat a.x-4.0 mellum trillion granite-docling jina-es jina-de jais"],
  digits: [digitsThenGpt2, "smollm starcoder refact command-r codeshell exaone minerva-7b"],
  qwen2: [qwen2, "qwen2 deepseek-r1-qwen stablelm2 megrez hunyuan"],
  qwen35: [rules(() => [known(qwen35Pattern)]), "qwen35"],
  llama3: [llama3, "dbrx smaug-bpe glm4 chatglm-bpe"],
  llama3Whole: [llama3Whole, "llama3 llama-v3 llama-bpe falcon3 pixtral lfm2"],
  falcon: [falcon, "falcon"],
  deepseekV3: [deepseekV3, "deepseek-v3 hunyuan-dense"],
  o200k: [rules(() => [known(o200kPattern)]), "gpt-4o llama4"],
  tekken: [rules(() => [known(tekkenPattern)], { ignoreMerges: true, addBos: true }), "tekken"],
};

const wordRules: ReadonlyMap<string, GgufWordRules> = new Map(
  Object.values(byName).flatMap(([rule, names]) => names.split(" ").map((name) => [name, rule] as const)),
);

/** All names that `ggufWordRules` knows. */
export const ggufWordRuleNames: readonly string[] = [...wordRules.keys()];

/** The rules for a value of `tokenizer.ggml.pre`; files from before 2024 have none, and get what llama.cpp gives them. */
export function ggufWordRules(pre: string | undefined): GgufWordRules | undefined {
  return wordRules.get(pre ?? "default");
}
