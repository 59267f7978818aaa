import { UnsupportedError } from "@polywen/tensor";
import { checkAddedTokens } from "../parse-added-tokens.ts";
import { byteTokens, parseMerges } from "../parse-bpe-model.ts";
import { spaceBoundaries, visibleSpace } from "../space-boundaries.ts";
import type { AddedToken, NormalizationStep, SpecialTokens, TokenizerDefinition } from "../tokenizer-definition.ts";
import { describeGgufTokenizer, type GgufMetadata, type GgufTokenizerDescription, type GgufTokenIds, tokenTypes } from "./gguf-description.ts";
import { ggufWordRuleNames, ggufWordRules } from "./gguf-word-rules.ts";
import { scoreMerges } from "./score-merges.ts";
import { ggufStopTokens } from "./stop-tokens.ts";

const paddingRow: RegExp = /^\[PAD\d+\]$/;
const byteToken: RegExp = /^<0x[0-9A-F]{2}>$/;

/** Builds the definition of a tokenizer from the metadata of a GGUF file. Throws InvalidFileError or UnsupportedError. */
export function parseGgufTokenizer(metadata: GgufMetadata, file: string): TokenizerDefinition {
  const description = describeGgufTokenizer(metadata, file);
  if (description.model === "gpt2") return byteLevelDefinition(description);
  if (description.model === "llama") return sentencePieceDefinition(description);
  throw new UnsupportedError({ feature: `${file}: the tokenizer model "${description.model}" (tokenizer.ggml.model)`, supported: ["gpt2", "llama"] });
}

function byteLevelDefinition(description: GgufTokenizerDescription): TokenizerDefinition {
  const { node, pre, ids } = description;
  const rules = ggufWordRules(pre);
  if (rules === undefined) {
    const feature = `${node.file}: the pre-tokenizer ${JSON.stringify(pre?.slice(0, 100))} (tokenizer.ggml.pre)`;
    throw new UnsupportedError({ feature, supported: ggufWordRuleNames });
  }
  const common = commonParts(description, ids, description.addBos ?? (rules.addBos && ids.bos !== undefined));
  return {
    ...common,
    symbols: { type: "bytes", byteTokens: [], unknown: undefined, fuseUnknown: false, partialCharacters: new Map() },
    merges: parseMerges(node.member("tokenizer.ggml.merges"), common.vocabulary),
    ignoreMerges: rules.ignoreMerges,
    normalization: [],
    wordSteps: rules.steps(),
    decoding: { type: "bytes" },
  };
}

function sentencePieceDefinition(description: GgufTokenizerDescription): TokenizerDefinition {
  const { node, tokens, types, scores, addSpacePrefix = true } = description;
  const tokensNode = node.member("tokenizer.ggml.tokens");
  const scoreList = scores ?? node.member("tokenizer.ggml.scores").fail("is needed by the tokenizer model \"llama\"");
  tokens.forEach((token, id) => {
    if (types[id] === tokenTypes.byte && !byteToken.test(token)) tokensNode.item(id).fail(`a byte token is written <0x00> to <0xFF>, not ${JSON.stringify(token.slice(0, 40))}`);
  });
  const ids = withDefaults(description);
  const common = commonParts(description, ids, description.addBos ?? ids.bos !== undefined);
  const bytes = byteTokens(common.vocabulary);
  if (ids.unknown === undefined && bytes.includes(undefined)) tokensNode.fail("has neither a token for every byte nor one for unknown text");
  const results = new Map(Array.from(common.vocabulary).filter(([, id]) => types[id] !== tokenTypes.byte));
  const { merges, partialCharacters } = scoreMerges(results, scoreList, tokens.length, tokensNode);
  const symbols = { type: "characters", byteTokens: bytes, unknown: ids.unknown, fuseUnknown: true, partialCharacters } as const;
  return {
    ...common,
    symbols,
    merges,
    ignoreMerges: false,
    normalization: spaceSteps(addSpacePrefix, description.removeExtraWhitespaces),
    wordSteps: spaceBoundaries({ vocabulary: common.vocabulary, symbols, ignoreMerges: false }),
    decoding: {
      type: "characters",
      replacements: [{ from: visibleSpace, to: " " }],
      byteFallback: true,
      literalAddedTokens: true,
      leadingSpaces: addSpacePrefix ? "one" : "kept",
    },
  };
}

function spaceSteps(addSpacePrefix: boolean, removeExtraWhitespaces: boolean): NormalizationStep[] {
  const collapse: NormalizationStep[] = removeExtraWhitespaces ? [{ type: "collapse-spaces" }] : [];
  const prepend: NormalizationStep[] = addSpacePrefix ? [{ type: "prepend", text: visibleSpace }] : [];
  return [...collapse, ...prepend, { type: "replace", from: " ", to: visibleSpace }];
}

/** SentencePiece's own ids, where the file names none and they fit. */
function withDefaults({ ids, types }: GgufTokenizerDescription): GgufTokenIds {
  const default_ = (id: number, type: number): number | undefined => (types[id] === type ? id : undefined);
  return {
    ...ids,
    unknown: ids.unknown ?? default_(0, tokenTypes.unknown),
    bos: ids.bos ?? default_(1, tokenTypes.control),
    eos: ids.eos ?? default_(2, tokenTypes.control),
  };
}

type CommonParts = Pick<TokenizerDefinition, "vocabulary" | "addedTokens" | "prefix" | "suffix" | "specialTokens" | "stopTokens">;

function commonParts(description: GgufTokenizerDescription, ids: GgufTokenIds, addBos: boolean): CommonParts {
  const { node, tokens, types } = description;
  const stopTokens = ggufStopTokens({ ...description, ids });
  const addedTokens = addedTokensOf(description, new Set(stopTokens));
  checkAddedTokens(addedTokens, (id) => node.member("tokenizer.ggml.tokens").item(id));
  const vocabulary = description.idOfToken;
  // Control tokens are no results of merging: text cannot become one.
  for (const { content, special } of addedTokens) if (special) vocabulary.delete(content);
  tokens.forEach((token, id) => {
    if (types[id] === tokenTypes.unused && paddingRow.test(token)) vocabulary.delete(token);
  });
  const around = (wanted: boolean, id: number | undefined, key: string): number[] => {
    if (!wanted) return [];
    return [id ?? node.member(`tokenizer.ggml.${key}`).fail("the file does not name that token")];
  };
  return {
    vocabulary,
    addedTokens,
    prefix: around(addBos, ids.bos, "add_bos_token"),
    suffix: around(description.addEos ?? false, ids.eos, "add_eos_token"),
    specialTokens: roles(tokens, ids),
    stopTokens,
  };
}

/** Control tokens, the unknown token, and those that users defined: they are found as literal text before anything else. */
function addedTokensOf({ tokens, types }: GgufTokenizerDescription, stops: ReadonlySet<number>): AddedToken[] {
  const added: AddedToken[] = [];
  tokens.forEach((content, id) => {
    const type = types[id];
    const userDefined = type === tokenTypes.userDefined;
    if (content === "" || !(userDefined || type === tokenTypes.control || type === tokenTypes.unknown)) return;
    added.push({ id, content, special: !userDefined || stops.has(id), lstrip: false, rstrip: false, singleWord: false, normalized: false });
  });
  return added;
}

function roles(tokens: readonly string[], ids: GgufTokenIds): SpecialTokens {
  const named = { beginOfSequence: ids.bos, endOfSequence: ids.eos, padding: ids.padding, unknown: ids.unknown };
  return Object.fromEntries(Object.entries(named).flatMap(([role, id]) => (id === undefined ? [] : [[role, tokens[id] as string]])));
}
