import { UnsupportedError } from "@polywen/tensor";
import { JsonNode } from "./json-node.ts";
import { parseTokenizerFile } from "./parse-tokenizer-file.ts";
import type { TokenizerDefinition } from "./tokenizer-definition.ts";
import { gpt2Pattern, qwen2Pattern } from "./word-patterns.ts";

/**
 * Contents of a checkpoint's tokenizer files, as text or as parsed JSON: either `tokenizer`, or `vocabulary` and `merges` together
 * with `config`. Names that stand in error messages are the usual ones, below `folder`.
 */
export interface TokenizerFiles {
  /** `tokenizer.json` */
  readonly tokenizer?: unknown;
  /** `tokenizer_config.json` */
  readonly config?: unknown;
  /** `vocab.json`, used if there is no `tokenizer.json`. */
  readonly vocabulary?: unknown;
  /** Text of `merges.txt`, used with `vocabulary`. */
  readonly merges?: string;
  /** Where the files come from, for error messages; default: the bare file names. */
  readonly folder?: string;
}

/** What the slow tokenizer classes of Hugging Face do without a `tokenizer.json`. */
const legacyClasses: Readonly<Record<string, { pattern: string; normalizer: unknown }>> = {
  Qwen2Tokenizer: { pattern: qwen2Pattern, normalizer: { type: "NFC" } },
  GPT2Tokenizer: { pattern: gpt2Pattern, normalizer: null },
};

/** Reads and checks the files. Throws InvalidFileError (with a JSON pointer) or UnsupportedError. */
export function parseTokenizerFiles(files: TokenizerFiles): TokenizerDefinition {
  const path = (name: string): string => (files.folder === undefined ? name : `${files.folder}/${name}`);
  const config = files.config === undefined ? undefined : JsonNode.from(path("tokenizer_config.json"), files.config);
  if (files.tokenizer !== undefined) return parseTokenizerFile(JsonNode.from(path("tokenizer.json"), files.tokenizer), config);
  return parseTokenizerFile(legacyFile(files, path("vocab.json"), config), config);
}

function legacyFile(files: TokenizerFiles, file: string, config: JsonNode | undefined): JsonNode {
  const className = config === undefined ? "" : config.member("tokenizer_class").string().replace(/Fast$/, "");
  const legacy = Object.hasOwn(legacyClasses, className) ? legacyClasses[className] : undefined;
  if (legacy === undefined) {
    throw new UnsupportedError(
      { feature: `A tokenizer without tokenizer.json, of class "${className}"`, supported: Object.keys(legacyClasses) },
      { hint: "Save the tokenizer again with a recent version of transformers: it writes tokenizer.json." },
    );
  }
  const lines = (files.merges ?? "").split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version"));
  return new JsonNode(file, {
    model: { type: "BPE", vocab: JsonNode.from(file, files.vocabulary).record(), merges: lines },
    normalizer: legacy.normalizer,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: legacy.pattern }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, use_regex: false },
      ],
    },
    decoder: { type: "ByteLevel" },
  });
}
