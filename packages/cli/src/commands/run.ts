import { Option, type Command } from "commander";
import { audio, image, type ContentPart, type GenerateOptions, type Model, type Reply } from "polywen";
import { usageError } from "../exit-code.ts";
import { interruption } from "../interruption.ts";
import { addModelOptions, defined, loadForCommand, parseNumber, type ModelCommandOptions } from "../model-options.ts";
import { print, printJson, warn } from "../output.ts";
import { readText } from "../read-text.ts";
import { videoPart } from "../video-part.ts";

interface RunOptions extends ModelCommandOptions {
  readonly system?: string;
  readonly raw?: boolean;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly maxTokens?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly logprobs?: number;
  readonly kv?: "f32" | "bf16";
  readonly cacheTokens?: number;
  readonly fps?: number;
  readonly sound?: string;
  readonly json?: boolean;
}

/** A medium of the command line, opened when all options are known. */
type MediaArgument = (options: RunOptions) => ContentPart | Promise<ContentPart>;

const examples = `
Examples:
  $ polywen run polywen/tiny "What digit is this?" --image seven.png
  $ polywen run ./model "Are they the same?" --image a.png --audio b.wav --json
  $ echo "Tell me about tea." | polywen run ./model - --temperature 0`;

/** `polywen run`: one prompt, one reply. */
export function addRunCommand(program: Command): void {
  // One list for all kinds of media: their order on the command line is their order in the prompt.
  const media: MediaArgument[] = [];
  const collect = (open: (file: string, options: RunOptions) => ReturnType<MediaArgument>) => (file: string): void => void media.push((options) => open(file, options));
  const command = program
    .command("run")
    .summary("ask a model something")
    .description("Asks a model something and streams its reply. Pictures, videos and recordings stand before the text, in the order given.")
    .argument("<model>", 'folder of a model, or "polywen/tiny"')
    .argument("<prompt>", "text of the prompt; - reads it from stdin")
    .addOption(new Option("--image <file>", "picture: JPEG, PNG, WebP, GIF, TIFF or AVIF; repeatable").argParser(collect((file) => image(file))))
    .addOption(new Option("--audio <file>", "recording: WAV, MP3, FLAC, Ogg Vorbis or Ogg Opus; repeatable").argParser(collect((file) => audio(file))))
    .addOption(new Option("--video <path>", "folder of frames, or an animated GIF or WebP; repeatable").argParser(collect((path, { fps, sound }) => videoPart(path, { fps, sound }))))
    .option("--sound <file>", "recording that is heard while the video runs; with one --video")
    .option("--fps <n>", "frames of the videos in a second (default: what the file says, else 2)", parseNumber)
    .option("--system <text>", "system message")
    .option("--raw", "no chat template; special tokens in the prompt count")
    .option("--temperature <n>", "0 takes the most probable token", parseNumber)
    .option("--top-k <n>", "choose among the k most probable tokens", parseNumber)
    .option("--top-p <n>", "choose among the most probable tokens that reach p together", parseNumber)
    .option("--min-p <n>", "choose among tokens this fraction as probable as the best", parseNumber)
    .option("--repetition-penalty <n>", "above 1 makes tokens already there less probable", parseNumber)
    .option("--max-tokens <n>", "tokens to generate at most (default: 512)", parseNumber)
    .option("--seed <n>", "same seed, same reply", parseNumber)
    .option("--stop <text>", "text that ends the reply; repeatable", (text: string, others: readonly string[] = []) => [...others, text])
    .option("--logprobs <n>", "with --json: each token with its n best alternatives", parseNumber)
    .addOption(new Option("--kv <dtype>", "precision of the key-value cache").choices(["f32", "bf16"]))
    .option("--cache-tokens <n>", "tokens that prompt and reply may have together", parseNumber)
    .option("--json", "one JSON object instead of text");
  addModelOptions(command)
    .addHelpText("after", examples)
    .action((source: string, prompt: string, options: RunOptions) => run(source, prompt, media, options));
}

async function run(source: string, prompt: string, media: readonly MediaArgument[], options: RunOptions): Promise<void> {
  if (options.logprobs !== undefined && options.json !== true) throw usageError("--logprobs needs --json");
  const signal = interruption();
  const text = prompt === "-" ? await readText("-") : prompt;
  const parts = await Promise.all(media.map((open) => open(options)));
  if (options.sound !== undefined && parts.filter((part) => typeof part === "object" && part.modality === "video").length !== 1) throw usageError("--sound needs one --video");
  const model = await loadForCommand(source, options, defined({ kvDType: options.kv, cacheTokens: options.cacheTokens, signal }));
  try {
    const reply = model.generate([...parts, text], generateOptions(options, signal));
    if (options.json === true) {
      await printJson(describeReply(model, await reply, options.logprobs));
    } else {
      for await (const part of reply) await print(part.text);
      await print("\n");
      if (options.quiet !== true) for (const { message } of (await reply).warnings) warn(message);
    }
  } finally {
    await model.dispose();
  }
}

function generateOptions(options: RunOptions, signal: AbortSignal): GenerateOptions {
  const { system, raw, temperature, topK, topP, minP, repetitionPenalty, maxTokens, seed, stop, logprobs } = options;
  return defined({ system, raw, temperature, topK, topP, minP, repetitionPenalty, maxTokens, seed, stop, topLogprobs: logprobs, signal });
}

function describeReply(model: Model, reply: Reply, logprobs: number | undefined): object {
  const { text, tokenIds, promptTokenIds, finishReason, usage, timings } = reply;
  const named = ({ id, logprob }: { id: number; logprob: number }): object => ({ id, text: model.detokenize([id]), logprob });
  const tokens = logprobs === undefined ? undefined : reply.tokens.map((token) => ({ ...named(token), top: token.top.map(named) }));
  return { text, tokenIds, promptTokenIds, finishReason, usage, timings, tokens, warnings: [...model.info.warnings, ...reply.warnings.map(({ message }) => message)] };
}
