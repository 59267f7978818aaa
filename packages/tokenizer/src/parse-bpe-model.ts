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
function parseMerges(node: JsonNode, vocabulary: Vocabulary): PairTable {
  const items: unknown = node.value;
  if (!Array.isArray(items)) return node.fail("expected an array");
  if (items.length > vocabularyLimit) node.fail(`has ${items.length} entries; the limit is ${vocabularyLimit}`);
  const [lefts, rights]: [string[], string[]] = [[], []];
  items.forEach((item: unknown, rank) => {
    const [left, right] = typeof item === "string" ? halves(item) : Array.isArray(item) && item.length === 2 ? item : [];
    if (typeof left !== "string" || typeof right !== "string") return node.item(rank).fail("a merge joins exactly two tokens");
    lefts.push(left);
    rights.push(right);
  });
  return mergesOf(TextList.from(lefts), TextList.from(rights), vocabulary, (rank) => node.item(rank));
}

/** Rules that join `lefts` to `rights`, the first of them first. Throws InvalidFileError at `nodeOf(rank)` for what is no token. */
export function mergesOf(lefts: TextList, rights: TextList, vocabulary: Vocabulary, nodeOf: (rank: number) => JsonNode): PairTable {
  const merges = new PairTable(lefts.length);
  let joined = new Uint8Array(256);
  let result = -1;
  const append = (list: TextList, rank: number, length: number): number => {
    const { bytes, bounds } = list;
    const end = bounds[2 * rank + 1] as number;
    let to = length;
    for (let at = bounds[2 * rank] as number; at < end; at += 1) joined[to++] = bytes[at] as number;
    return to;
  };
  for (let rank = 0; rank < lefts.length; rank += 1) {
    const room = (lefts.bounds[2 * rank + 1] as number) - (lefts.bounds[2 * rank] as number) + (rights.bounds[2 * rank + 1] as number) - (rights.bounds[2 * rank] as number);
    if (room > joined.length) joined = new Uint8Array(2 * room);
    const cut = append(lefts, rank, 0);
    const length = append(rights, rank, cut);
    const left = vocabulary.find(joined, 0, cut);
    const right = vocabulary.find(joined, cut, length);
    // Most vocabularies list the results of merges in the order of these.
    result = vocabulary.find(joined, 0, length, result + 1);
    if (left < 0 || right < 0 || result < 0) {
      const missing = left < 0 ? lefts.at(rank) : right < 0 ? rights.at(rank) : `${lefts.at(rank)}${rights.at(rank)}`;
      nodeOf(rank).fail(`the token ${JSON.stringify(missing)} is not in the vocabulary`);
    }
    merges.set(left, right, rank, result);
  }
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
