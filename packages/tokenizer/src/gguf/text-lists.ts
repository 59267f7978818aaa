import { TextList } from "@polywen/tensor";
import type { JsonNode } from "../json-node.ts";
import type { PairTable } from "../pair-table.ts";
import { mergesOf, vocabularyLimit } from "../parse-bpe-model.ts";
import type { Vocabulary } from "../vocabulary.ts";

const space = 0x20;

/** The texts of an array of the metadata: a `TextList`, or an array of strings. Throws InvalidFileError. */
export function textListOf(node: JsonNode): TextList {
  const { value } = node;
  const list = Array.isArray(value) ? TextList.from(value.map((text: unknown, index) => (typeof text === "string" ? text : node.item(index).fail("expected a text")))) : value;
  if (!(list instanceof TextList)) return node.fail("expected an array of texts");
  if (list.length > vocabularyLimit) node.fail(`has ${list.length} entries; the limit is ${vocabularyLimit}`);
  return list;
}

/** Rules from a list of `"left right"`; the rank is the place in the list. Throws InvalidFileError. */
export function readMerges(node: JsonNode, vocabulary: Vocabulary): PairTable {
  const { bytes, bounds, length } = textListOf(node);
  const [lefts, rights] = [bounds.slice(), bounds.slice()];
  for (let rank = 0; rank < length; rank += 1) {
    const end = bounds[2 * rank + 1] as number;
    let cut = -1;
    for (let at = bounds[2 * rank] as number; at < end; at += 1) {
      if (bytes[at] === space) cut = cut < 0 ? at : end;
    }
    if (cut < 0 || cut === end) node.item(rank).fail("a merge joins exactly two tokens");
    lefts[2 * rank + 1] = cut;
    rights[2 * rank] = cut + 1;
  }
  return mergesOf(new TextList(bytes, lefts), new TextList(bytes, rights), vocabulary, (rank) => node.item(rank));
}
