import { TextList } from "@polywen/tensor";
import type { JsonNode } from "./json-node.ts";
import { refuse } from "./json-steps.ts";
import { PairTable } from "./pair-table.ts";
import type { SymbolScheme } from "./tokenizer-definition.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Most entries in a vocabulary, and most merges; every id is below it. Published tokenizers have up to 262,144. */
export const vocabularyLimit: number = 2 ** 21;

/** What `/model` says. */
export interface BpeModel {
  readonly vocabulary: Vocabulary;
  readonly merges: PairTable;
  readonly ignoreMerges: boolean;
  readonly symbols: SymbolScheme;
}

export function parseBpeModel(node: JsonNode, byteLevel: boolean): BpeModel {
  requireBpe(node);
  const vocabulary = parseVocabulary(node.member("vocab"));
  return {
    vocabulary,
    merges: parseMerges(node.member("merges"), vocabulary),
    ignoreMerges: node.member("ignore_merges").boolean(false),
    symbols: parseSymbols(node, vocabulary, byteLevel),
  };
}

function requireBpe(model: JsonNode): void {
  const type = model.member("type");
  // Old files leave the type out; only BPE has merges.
  const name = type.isNull && !model.member("merges").isNull ? "BPE" : type.string();
  if (name !== "BPE") refuse(type, `the tokenizer model "${name}"`, ["BPE"]);
  for (const affix of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    const node = model.member(affix);
    if (!node.isNull && node.string() !== "") refuse(node, `BPE with ${affix}`);
  }
  const dropout = model.member("dropout");
  if (!dropout.isNull && dropout.value !== 0) refuse(dropout, "BPE dropout");
}

function parseVocabulary(node: JsonNode): Vocabulary {
  const entries = node.record();
  const tokens = Object.keys(entries);
  if (tokens.length > vocabularyLimit) node.fail(`has ${tokens.length} entries; the limit is ${vocabularyLimit}`);
  const tokenOfId: string[] = [];
  for (const token of tokens) {
    const id = entries[token];
    // Nodes are made for complaints only: there are hundreds of thousands of tokens.
    if (!isId(id)) node.member(token).index(vocabularyLimit);
    if (tokenOfId[id as number] !== undefined) node.member(token).fail(`the id ${String(id)} is taken by another token`);
    tokenOfId[id as number] = token;
  }
  const refuse = (id: number, earlier: number): never => node.member(tokenOfId[id] as string).fail(`holds half a surrogate pair, and is the token ${earlier} without it`);
  return new Vocabulary(TextList.from(Array.from(tokenOfId, (token) => token ?? "")), refuse);
}

function isId(id: unknown): id is number {
  return typeof id === "number" && Number.isInteger(id) && id >= 0 && id < vocabularyLimit;
}

/** Rules from a list of pairs, `"left right"` or `["left", "right"]`; the rank is the place in the list. */
export function parseMerges(node: JsonNode, vocabulary: Vocabulary): PairTable {
  const items: unknown = node.value;
  if (!Array.isArray(items)) return node.fail("expected an array");
  if (items.length > vocabularyLimit) node.fail(`has ${items.length} entries; the limit is ${vocabularyLimit}`);
  const merges = new PairTable(items.length);
  const idOf = (token: string, rank: number): number =>
    vocabulary.get(token) ?? node.item(rank).fail(`the token ${JSON.stringify(token)} is not in the vocabulary`);
  items.forEach((item: unknown, rank) => {
    const [left, right] = typeof item === "string" ? halves(item) : Array.isArray(item) && item.length === 2 ? item : [];
    if (typeof left !== "string" || typeof right !== "string") return node.item(rank).fail("a merge joins exactly two tokens");
    merges.set(idOf(left, rank), idOf(right, rank), rank, idOf(left + right, rank));
  });
  return merges;
}

/** The texts around the only space. */
function halves(merge: string): string[] {
  const space = merge.indexOf(" ");
  return space < 0 || merge.includes(" ", space + 1) ? [] : [merge.slice(0, space), merge.slice(space + 1)];
}

function parseSymbols(model: JsonNode, vocabulary: Vocabulary, byteLevel: boolean): SymbolScheme {
  const unknownNode = model.member("unk_token");
  const unknown = unknownNode.isNull ? undefined : vocabulary.get(unknownNode.string());
  if (!unknownNode.isNull && unknown === undefined) unknownNode.fail("is not in the vocabulary");
  return {
    type: byteLevel ? "bytes" : "characters",
    byteTokens: model.member("byte_fallback").boolean(false) && !byteLevel ? byteTokens(vocabulary) : [],
    unknown,
    fuseUnknown: model.member("fuse_unk").boolean(false),
    partialCharacters: new Map(),
  };
}

/** The tokens `<0x00>` to `<0xFF>`, as far as they are there. */
export function byteTokens(vocabulary: Vocabulary): (number | undefined)[] {
  return Array.from({ length: 256 }, (_, byte) => vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`));
}
