import { z } from "zod";
import { parseWith, readJsonObject } from "./json-file.ts";

/** What `generation_config.json` proposes. A field is undefined if the file leaves it out or holds null. */
export interface GenerationConfig {
  /** Tokens that end a reply; empty if the file names none. */
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId: number | undefined;
  readonly padTokenId: number | undefined;
  /** False means greedy decoding, whatever the sampling fields say. */
  readonly doSample: boolean | undefined;
  readonly temperature: number | undefined;
  /** 0 means no limit. */
  readonly topK: number | undefined;
  readonly topP: number | undefined;
  readonly minP: number | undefined;
  readonly repetitionPenalty: number | undefined;
  readonly maxNewTokens: number | undefined;
}

const tokenId = z.int("a token id is expected").nonnegative("a token id is expected");
const probability = z.number("a number from 0 to 1 is expected").min(0, "a number from 0 to 1 is expected").max(1, "a number from 0 to 1 is expected");
const count = z.int("a non-negative integer is expected").nonnegative("a non-negative integer is expected");

const schema = z.object({
  eos_token_id: z.preprocess((value) => (typeof value === "number" ? [value] : value), z.array(tokenId, "a token id or a list of them is expected").nullish()),
  bos_token_id: tokenId.nullish(),
  pad_token_id: tokenId.nullish(),
  do_sample: z.boolean("true or false is expected").nullish(),
  temperature: z.number("a number is expected").nonnegative("a non-negative number is expected").nullish(),
  top_k: count.nullish(),
  top_p: probability.nullish(),
  min_p: probability.nullish(),
  repetition_penalty: z.number("a number is expected").positive("a positive number is expected").nullish(),
  max_new_tokens: count.nullish(),
});

/**
 * Reads `generation_config.json`. Other fields than those above are ignored.
 * Throws NotFoundError, LimitExceededError, FileAccessError, InvalidFileError with the JSON pointer of the field.
 */
export async function readGenerationConfig(path: string): Promise<GenerationConfig> {
  const fields = parseWith(schema, await readJsonObject(path, "config"), path);
  return {
    eosTokenIds: fields.eos_token_id ?? [],
    bosTokenId: fields.bos_token_id ?? undefined,
    padTokenId: fields.pad_token_id ?? undefined,
    doSample: fields.do_sample ?? undefined,
    temperature: fields.temperature ?? undefined,
    topK: fields.top_k ?? undefined,
    topP: fields.top_p ?? undefined,
    minP: fields.min_p ?? undefined,
    repetitionPenalty: fields.repetition_penalty ?? undefined,
    maxNewTokens: fields.max_new_tokens ?? undefined,
  };
}
