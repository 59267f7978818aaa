import { TextList } from "@polywen/tensor";
import type { JsonNode } from "../json-node.ts";
import { PairTable } from "../pair-table.ts";
import { vocabularyLimit } from "../parse-bpe-model.ts";
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
  const list = textListOf(node);
  const { bytes, bounds } = list;
  const merges = new PairTable(list.length);
  let joined = new Uint8Array(256);
  let result = -1;
  for (let rank = 0; rank < list.length; rank += 1) {
    const begin = bounds[2 * rank] as number;
    const end = bounds[2 * rank + 1] as number;
    if (end - begin > joined.length) joined = new Uint8Array(2 * (end - begin));
    let length = 0;
    let cut = -1;
    for (let at = begin; at < end; at += 1) {
      const byte = bytes[at] as number;
      if (byte !== space) joined[length++] = byte;
      else cut = cut < 0 ? length : joined.length;
    }
    if (cut < 0 || cut === joined.length) node.item(rank).fail("a merge joins exactly two tokens");
    const left = vocabulary.find(joined, 0, cut);
    const right = vocabulary.find(joined, cut, length);
    // Most vocabularies list the results of merges in the order of these.
    result = vocabulary.find(joined, 0, length, result + 1);
    if (left < 0 || right < 0 || result < 0) refuseMerge(node.item(rank), left < 0 ? joined.subarray(0, cut) : joined.subarray(right < 0 ? cut : 0, length));
    merges.set(left, right, rank, result);
  }
  return merges;
}

function refuseMerge(node: JsonNode, missing: Uint8Array): never {
  return node.fail(`the token ${JSON.stringify(Buffer.from(missing).toString())} is not in the vocabulary`);
}
