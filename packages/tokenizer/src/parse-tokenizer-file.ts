import type { JsonNode } from "./json-node.ts";
import { parseAddedTokens, parseSpecialTokens } from "./parse-added-tokens.ts";
import { parseBpeModel, vocabularyLimit } from "./parse-bpe-model.ts";
import { parseDecoder } from "./parse-decoder.ts";
import { parseNormalizer } from "./parse-normalizer.ts";
import { parsePostProcessor } from "./parse-post-processor.ts";
import { parsePreTokenizer } from "./parse-pre-tokenizer.ts";
import type { TokenizerDefinition } from "./tokenizer-definition.ts";
import { spaceBoundaries } from "./space-boundaries.ts";

/** Reads `tokenizer.json` and, if there is one, `tokenizer_config.json`. Throws InvalidFileError or UnsupportedError. */
export function parseTokenizerFile(file: JsonNode, config: JsonNode | undefined): TokenizerDefinition {
  const { wordSteps, byteLevel } = parsePreTokenizer(file.member("pre_tokenizer"));
  const model = parseBpeModel(file.member("model"), byteLevel);
  const { vocabulary } = model;
  const decoding = parseDecoder(file.member("decoder"), byteLevel);
  const addedTokens = parseAddedTokens(file.member("added_tokens"), config?.member("added_tokens_decoder"), vocabulary, vocabularyLimit);
  const idOf = (content: string): number | undefined => addedTokens.find((token) => token.content === content)?.id ?? vocabulary.get(content);
  const specialTokens = config === undefined ? {} : parseSpecialTokens(config, (content) => idOf(content) !== undefined);
  const end = specialTokens.endOfSequence === undefined ? undefined : idOf(specialTokens.endOfSequence);
  return {
    ...model,
    addedTokens,
    normalization: parseNormalizer(file.member("normalizer")),
    wordSteps: [...wordSteps, ...spaceBoundaries(model)],
    decoding,
    ...parsePostProcessor(file.member("post_processor"), vocabularyLimit),
    specialTokens,
    stopTokens: end === undefined ? [] : [end],
  };
}
