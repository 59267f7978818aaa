import { UnsupportedError } from "@polywen/tensor";
import { byteCharacter } from "./byte-alphabet.ts";
import type { JsonNode } from "./json-node.ts";
import { parseAddedTokens, parseSpecialTokens } from "./parse-added-tokens.ts";
import type { NormalizationForm, TokenizerDefinition } from "./tokenizer-definition.ts";
import { gpt2Pattern, translateWordPattern } from "./word-patterns.ts";

/** Most entries in a vocabulary, and most merges; every id is below it. Published tokenizers have up to 262,144. */
export const vocabularyLimit: number = 2 ** 21;

const sequenceDepthLimit = 8;
const normalizationForms: readonly string[] = ["NFC", "NFD", "NFKC", "NFKD"];

/** Reads `tokenizer.json` and, if there is one, `tokenizer_config.json`. Throws InvalidFileError or UnsupportedError. */
export function parseTokenizerFile(file: JsonNode, config: JsonNode | undefined): TokenizerDefinition {
  const model = file.member("model");
  requireByteLevelModel(model);
  const vocabulary = parseVocabulary(model.member("vocab"));
  const wordPatterns = parsePreTokenizer(file.member("pre_tokenizer"));
  requireByteLevelDecoder(file.member("decoder"));
  const addedTokens = parseAddedTokens(file.member("added_tokens"), config?.member("added_tokens_decoder"), vocabulary, vocabularyLimit);
  const isToken = (content: string): boolean => vocabulary.has(content) || addedTokens.some((token) => token.content === content);
  return {
    vocabulary,
    merges: parseMerges(model.member("merges"), vocabulary),
    ignoreMerges: model.member("ignore_merges").boolean(false),
    addedTokens,
    normalization: parseNormalizer(file.member("normalizer")),
    wordPatterns,
    ...parsePostProcessor(file.member("post_processor")),
    specialTokens: config === undefined ? {} : parseSpecialTokens(config, isToken),
  };
}

function requireByteLevelModel(model: JsonNode): void {
  const type = model.member("type");
  // Old files leave the type out; only BPE has merges.
  const name = type.isNull && !model.member("merges").isNull ? "BPE" : type.string();
  if (name !== "BPE") unsupported(type, `the tokenizer model "${name}"`, ["BPE"]);
  const fallback = model.member("byte_fallback");
  if (fallback.boolean(false)) unsupported(fallback, "BPE with byte fallback (SentencePiece)", ["byte-level BPE"]);
  for (const affix of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    const node = model.member(affix);
    if (!node.isNull && node.string() !== "") unsupported(node, `BPE with ${affix}`, ["byte-level BPE"]);
  }
  const dropout = model.member("dropout");
  if (!dropout.isNull && dropout.value !== 0) unsupported(dropout, "BPE dropout");
}

function parseVocabulary(node: JsonNode): Map<string, number> {
  const tokens = Object.keys(node.record());
  if (tokens.length > vocabularyLimit) node.fail(`has ${tokens.length} entries; the limit is ${vocabularyLimit}`);
  const vocabulary = new Map<string, number>();
  const seen = new Uint8Array(vocabularyLimit);
  for (const token of tokens) {
    const idNode = node.member(token);
    const id = idNode.index(vocabularyLimit);
    if (seen[id] === 1) idNode.fail(`the id ${id} is taken by another token`);
    seen[id] = 1;
    vocabulary.set(token, id);
  }
  for (let byte = 0; byte < 256; byte += 1) {
    if (!vocabulary.has(byteCharacter(byte))) node.fail(`has no token for the byte 0x${byte.toString(16).padStart(2, "0")}`);
  }
  return vocabulary;
}

function parseMerges(node: JsonNode, vocabulary: ReadonlyMap<string, number>): [number, number, number][] {
  const count = Array.isArray(node.value) ? node.value.length : 0;
  if (count > vocabularyLimit) node.fail(`has ${count} entries; the limit is ${vocabularyLimit}`);
  return node.items().map((item) => {
    const parts: unknown[] = Array.isArray(item.value) ? item.value : item.string().split(" ");
    const [left, right] = parts;
    if (typeof left !== "string" || typeof right !== "string" || parts.length !== 2) return item.fail("a merge joins exactly two tokens");
    const idOf = (token: string): number => vocabulary.get(token) ?? item.fail(`the token ${JSON.stringify(token)} is not in the vocabulary`);
    return [idOf(left), idOf(right), idOf(left + right)];
  });
}

function parseNormalizer(node: JsonNode): NormalizationForm[] {
  return flatten(node, "normalizers").map((part) => {
    const type = part.member("type").string();
    if (!normalizationForms.includes(type)) unsupported(part, `the normalizer "${type}"`, normalizationForms);
    return type as NormalizationForm;
  });
}

function parsePreTokenizer(node: JsonNode): RegExp[] {
  const parts = flatten(node, "pretokenizers");
  const last = parts.at(-1);
  if (last?.member("type").value !== "ByteLevel") unsupported(node, "a pre-tokenizer that does not end in ByteLevel", ["ByteLevel"]);
  return parts.flatMap((part): RegExp[] => {
    const type = part.member("type").string();
    if (type === "Split") return [parseSplit(part)];
    if (type === "Digits") return [part.member("individual_digits").boolean(false) ? /\p{N}/gu : /\p{N}+/gu];
    if (type !== "ByteLevel" || part !== last) unsupported(part, `the pre-tokenizer "${type}" here`, ["Split", "Digits", "ByteLevel at the end"]);
    if (part.member("add_prefix_space").boolean(true)) unsupported(part, "ByteLevel with add_prefix_space");
    return part.member("use_regex").boolean(true) ? [knownPattern(part, gpt2Pattern)] : [];
  });
}

function parseSplit(node: JsonNode): RegExp {
  const behavior = node.member("behavior").string();
  const invert = node.member("invert").boolean(false);
  // The known patterns match every character, so that removing what lies between the matches changes nothing.
  const plain = (behavior === "Isolated" && !invert) || (behavior === "Removed" && invert);
  if (!plain) unsupported(node, `Split with behavior "${behavior}"${invert ? " inverted" : ""}`, ["Isolated"]);
  const pattern = node.member("pattern").member("Regex");
  return knownPattern(pattern, pattern.string());
}

function knownPattern(node: JsonNode, pattern: string): RegExp {
  return translateWordPattern(pattern) ?? unsupported(node, `the word pattern ${JSON.stringify(pattern.slice(0, 200))}`, ["GPT-2", "Qwen2", "Llama 3"]);
}

function requireByteLevelDecoder(node: JsonNode): void {
  const types = flatten(node, "decoders").map((part) => part.member("type").string());
  if (types.length !== 1 || types[0] !== "ByteLevel") unsupported(node, `the decoder [${types.join(", ")}]`, ["ByteLevel"]);
}

function parsePostProcessor(node: JsonNode): { prefix: number[]; suffix: number[] } {
  let around = { prefix: [] as number[], suffix: [] as number[] };
  for (const part of flatten(node, "processors")) {
    const type = part.member("type").string();
    if (type === "TemplateProcessing") around = parseTemplateProcessing(part);
    else if (type !== "ByteLevel") unsupported(part, `the post-processor "${type}"`, ["ByteLevel", "TemplateProcessing"]);
  }
  return around;
}

/** Only the form for a single sequence counts: `[special tokens] A [special tokens]`. */
function parseTemplateProcessing(node: JsonNode): { prefix: number[]; suffix: number[] } {
  const prefix: number[] = [];
  const suffix: number[] = [];
  let sequences = 0;
  for (const part of node.member("single").items()) {
    const special = part.member("SpecialToken");
    if (special.isNull) {
      part.member("Sequence").record();
      sequences += 1;
      continue;
    }
    const name = special.member("id").string();
    const ids = node.member("special_tokens").member(name).member("ids").items().map((id) => id.index(vocabularyLimit));
    (sequences === 0 ? prefix : suffix).push(...ids);
  }
  if (sequences !== 1) node.member("single").fail("expected exactly one Sequence");
  return { prefix, suffix };
}

/** The steps of a normalizer, pre-tokenizer, decoder or post-processor: none, one, or those of nested sequences. */
function flatten(node: JsonNode, member: string, depth = 0): JsonNode[] {
  if (node.isNull) return [];
  if (node.member("type").value !== "Sequence") return [node];
  if (depth === sequenceDepthLimit) node.fail(`sequences are nested more than ${sequenceDepthLimit} deep`);
  return node.member(member).items().flatMap((part) => flatten(part, member, depth + 1));
}

function unsupported(node: JsonNode, feature: string, supported?: readonly string[]): never {
  throw new UnsupportedError({ feature: `${node.file} at ${node.pointer || "/"}: ${feature}`, ...(supported === undefined ? {} : { supported }) });
}
