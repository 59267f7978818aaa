import { InvalidFileError, TextList } from "@polywen/tensor";
import { jsonPointer } from "../../json-pointer.ts";
import type { TextPart } from "./joined-projector.ts";

/**
 * Ids of tokens by the fields of config.json that name them: the first must be there, as media stand in its place; of the others those
 * that the vocabulary has.
 */
export function tokenIds({ metadata, file }: Pick<TextPart, "metadata" | "file">, texts: Readonly<Record<string, string>>): Record<string, number> {
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const all = tokens instanceof TextList ? [...tokens] : [];
  const ids = Object.entries(texts).flatMap(([field, text], index): [string, number][] => {
    const id = all.indexOf(text);
    if (id < 0 && index === 0) throw new InvalidFileError({ file, problem: `there is no token ${text}, in whose place media stand`, pointer: jsonPointer(["tokenizer.ggml.tokens"]) });
    return id < 0 ? [] : [[field, id]];
  });
  return Object.fromEntries(ids);
}
