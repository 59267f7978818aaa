import assert from "node:assert/strict";
import type { openTokenizer } from "polywen";

const sample = "It's 12 o'clock: zwei Tässchen,\n\n\tпривет 你好 🙂 <|im_end|> <s> a\u0301 \ud800 \u0000   end";

/** Encodes and decodes; ids are those of the vocabulary. */
export function useTokenizer(tokenizer: Awaited<ReturnType<typeof openTokenizer>>): void {
  for (const text of [sample, "a".repeat(3000), ""]) {
    const ids = tokenizer.encode(text);
    assert(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize), "an id that does not exist");
    tokenizer.decode(ids);
  }
}
