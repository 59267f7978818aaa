import type { JsonNode } from "../json-node.ts";
import { PairTable } from "../pair-table.ts";

/** Longest token, in characters, that rules are made for. Published ones have up to 48. */
const tokenLimit = 256;

/** Most rules. Gemma's 262,144 tokens make 1.5 million. */
const ruleLimit: number = 2 ** 22;

/** Rules, and ids beyond those of tokens for characters that are only parts of tokens. */
export interface ScoreMerges {
  readonly merges: PairTable;
  readonly partialCharacters: ReadonlyMap<string, number>;
}

/**
 * SentencePiece's BPE has no list of merges: it joins the adjacent pair that makes the token of the highest score. As rules: every way to
 * cut a token in two parts that can come about, ranked by the token's score; equal scores are equal ranks, and the leftmost goes first.
 *
 * `results` are tokens that merging may make, `firstFreeId` is beyond all ids, `node` the place of the tokens for complaints.
 */
export function scoreMerges(results: ReadonlyMap<string, number>, scores: ArrayLike<number>, firstFreeId: number, node: JsonNode): ScoreMerges {
  const rankOfScore = new Map(Array.from(new Set(Array.from(results.values(), (id) => scores[id] as number))).sort((a, b) => b - a).map((score, rank) => [score, rank]));
  const partialCharacters = new Map<string, number>();
  const symbolOf = (part: string, single: boolean): number | undefined => {
    const id = results.get(part) ?? partialCharacters.get(part);
    if (id !== undefined || !single) return id;
    const partial = firstFreeId + partialCharacters.size;
    partialCharacters.set(part, partial);
    return partial;
  };
  const rules: number[] = [];
  for (const [token, id] of results) {
    const characters = Array.from(token);
    if (characters.length > tokenLimit) node.item(id).fail(`has ${characters.length} characters; the limit is ${tokenLimit}`);
    let cut = 0;
    for (let count = 1; count < characters.length; count += 1) {
      cut += (characters[count - 1] as string).length;
      const left = symbolOf(token.slice(0, cut), count === 1);
      const right = symbolOf(token.slice(cut), count === characters.length - 1);
      if (left !== undefined && right !== undefined) rules.push(left, right, rankOfScore.get(scores[id] as number) as number, id);
    }
    if (rules.length > 4 * ruleLimit) node.fail(`makes more than ${ruleLimit} rules of merging`);
  }
  const merges = new PairTable(rules.length / 4);
  for (let at = 0; at < rules.length; at += 4) merges.set(rules[at] as number, rules[at + 1] as number, rules[at + 2] as number, rules[at + 3] as number);
  return { merges, partialCharacters };
}
