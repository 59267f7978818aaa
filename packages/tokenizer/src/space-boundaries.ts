import type { TokenizerDefinition, WordStep } from "./tokenizer-definition.ts";

/** The visible space of SentencePiece, U+2581. */
export const visibleSpace = "\u2581";

/**
 * A model of characters without pre-tokenizer merges over the whole text. No merge crosses the place before a visible space, unless some
 * token holds one in its middle; cutting there changes nothing and makes words short and cacheable. Nothing for models of bytes,
 * whose words are short already, and for those that look up whole words.
 */
export function spaceBoundaries({ vocabulary, symbols, ignoreMerges }: Pick<TokenizerDefinition, "vocabulary" | "symbols" | "ignoreMerges">): WordStep[] {
  if (symbols.type === "bytes" || ignoreMerges || !vocabulary.has(visibleSpace)) return [];
  const joined = new Set<number>();
  for (const [token] of vocabulary) {
    for (let at = token.indexOf(visibleSpace, 1); at >= 0; at = token.indexOf(visibleSpace, at + 1)) joined.add(token.charCodeAt(at - 1));
  }
  joined.delete(visibleSpace.charCodeAt(0));
  return [{ type: "before", mark: visibleSpace, joined }];
}
