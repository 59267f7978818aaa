import { UnsupportedError, type TextList } from "@polywen/tensor";
import { checkAddedTokens } from "../parse-added-tokens.ts";
import { byteTokens } from "../parse-bpe-model.ts";
import { spaceBoundaries, visibleSpace } from "../space-boundaries.ts";
import type { AddedToken, NormalizationStep, SpecialTokens, TokenizerDefinition } from "../tokenizer-definition.ts";
import { describeGgufTokenizer, type GgufMetadata, type GgufTokenizerDescription, type GgufTokenIds, tokensOfType, tokenTypes } from "./gguf-description.ts";
import { ggufWordRuleNames, ggufWordRules } from "./gguf-word-rules.ts";
import { scoreMerges } from "./score-merges.ts";
import { ggufStopTokens } from "./stop-tokens.ts";
import { readMerges } from "./text-lists.ts";

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
    merges: readMerges(node.member("tokenizer.ggml.merges"), common.vocabulary),
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
  for (const [id, token] of tokensOfType(description, tokenTypes.byte)) {
    if (!byteToken.test(token)) tokensNode.item(id).fail(`a byte token is written <0x00> to <0xFF>, not ${JSON.stringify(token.slice(0, 40))}`);
  }
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
  const { node, tokens } = description;
  const stopTokens = ggufStopTokens({ ...description, ids });
  const addedTokens = addedTokensOf(description, new Set(stopTokens));
  checkAddedTokens(addedTokens, (id) => node.member("tokenizer.ggml.tokens").item(id));
  const { vocabulary } = description;
  // Control tokens are no results of merging: text cannot become one.
  for (const { id, special } of addedTokens) if (special) vocabulary.remove(id);
  for (const [id, token] of tokensOfType(description, tokenTypes.unused)) if (paddingRow.test(token)) vocabulary.remove(id);
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
function addedTokensOf(description: GgufTokenizerDescription, stops: ReadonlySet<number>): AddedToken[] {
  const added: AddedToken[] = [];
  for (const [id, content] of tokensOfType(description, tokenTypes.userDefined, tokenTypes.control, tokenTypes.unknown)) {
    const special = description.types[id] !== tokenTypes.userDefined || stops.has(id);
    if (content !== "") added.push({ id, content, special, lstrip: false, rstrip: false, singleWord: false, normalized: false });
  }
  return added;
}

function roles(tokens: TextList, ids: GgufTokenIds): SpecialTokens {
  const named = { beginOfSequence: ids.bos, endOfSequence: ids.eos, padding: ids.padding, unknown: ids.unknown };
  return Object.fromEntries(Object.entries(named).flatMap(([role, id]) => (id === undefined ? [] : [[role, tokens.at(id) as string]])));
}
