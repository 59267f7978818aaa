import { dirname, resolve } from "node:path";
import { z } from "zod";
import { parseWith, readJsonObject } from "@polywen/formats";

/** Input of `polywen logits`, its paths made absolute. */
export interface LogitsCommandInput {
  /** One placeholder token for each medium; none for an encoder alone. */
  readonly ids: readonly number[];
  readonly images: readonly string[];
  readonly audios: readonly string[];
  readonly videos: readonly { readonly frames: readonly string[]; readonly fps?: number | undefined; readonly sound?: string | undefined }[];
  /** Tokens to continue greedily. */
  readonly maxTokens: number;
}

const count = z.int("a non-negative integer is expected").nonnegative("a non-negative integer is expected");
const paths = z.array(z.string("a path is expected"), "a list of paths is expected").default([]);
const schema = z.object({
  ids: z.array(count, "a list of token ids is expected").default([]),
  images: paths,
  audios: paths,
  videos: z.array(z.object({ frames: paths, fps: z.number("a number is expected").optional(), sound: z.string("a path is expected").optional() }), "a list of videos is expected").default([]),
  maxTokens: count.default(0),
});

/** Reads the JSON file. Other fields than those are notes and ignored. Throws as `readJsonObject` and `parseWith` do. */
export async function readLogitsInput(file: string): Promise<LogitsCommandInput> {
  // Millions of ids are as long as a tokenizer.
  const fields = parseWith(schema, await readJsonObject(file, "tokenizer"), file);
  const absolute = (path: string): string => resolve(dirname(file), path);
  const videos = fields.videos.map(({ frames, fps, sound }) => ({ frames: frames.map(absolute), fps, sound: sound === undefined ? undefined : absolute(sound) }));
  return { ...fields, images: fields.images.map(absolute), audios: fields.audios.map(absolute), videos };
}
