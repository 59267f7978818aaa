import { resolveSampling, StopMatcher, type EngineFinish, type GeneratedToken, type Sampling, type TokenStream } from "@polywen/core";
import { InvalidArgumentError, LimitExceededError, PolywenError } from "@polywen/tensor";
import { IncrementalDecoder } from "@polywen/tokenizer";
import type { Prompt } from "./content.ts";
import type { Reply, ReplyPart, ReplyWarning } from "./generation.ts";
import type { GenerateOptions } from "./model-options.ts";
import type { ModelParts } from "./model-parts.ts";
import { checkPrompt, type CheckedMessage } from "./prompt/check-prompt.ts";
import { encodeMedia } from "./prompt/encode-media.ts";
import { preparePrompt } from "./prompt/prepare-prompt.ts";

/** Generates a reply from prompt to text. Everything that can be checked at once has been when this returns its promise. */
export function runGeneration(parts: ModelParts, prompt: Prompt, options: GenerateOptions, signal: AbortSignal): (emit: (part: ReplyPart) => void) => Promise<Reply> {
  const started = performance.now();
  const messages = withSystem(checkPrompt(prompt), options.system);
  const sampling = resolveSampling(options, parts.sampling);
  const warnings = samplingWarnings(options, sampling);
  const matcher = new StopMatcher(options.stop ?? []);
  const maxTokens = checkedMaxTokens(options.maxTokens);
  const generate = async (emit: (part: ReplyPart) => void): Promise<Reply> => {
    const prepared = await preparePrompt(parts, messages, { raw: options.raw ?? false, signal });
    const count = tokensToGenerate(parts, prepared.layout.ids.length, maxTokens);
    const { prompt: enginePrompt, cacheHits, release } = await encodeMedia(parts, prepared, { signal });
    try {
      const preparedMs = performance.now() - started;
      const stream = parts.engine.generate({ prompt: enginePrompt, maxTokens: count, sampling, stopTokens: parts.stopTokens, signal });
      const { firstTokenAt, ...collected } = await collectText(parts, stream, matcher, emit);
      const totalMs = performance.now() - started;
      const rowsOf = (kind: string): number => prepared.media.reduce((sum, { modality, prepared: { rows } }) => sum + (modality.injection === kind ? rows : 0), 0);
      return {
        ...collected,
        tokenIds: collected.tokens.map(({ id }) => id),
        promptTokenIds: Array.from(enginePrompt.ids),
        usage: {
          promptTokens: enginePrompt.ids.length,
          mediaTokens: rowsOf("prefix"),
          attendedTokens: rowsOf("cross-attention"),
          generatedTokens: collected.tokens.length,
          mediaCacheHits: cacheHits,
        },
        timings: { preparedMs, firstTokenMs: firstTokenAt === undefined ? totalMs : firstTokenAt - started, totalMs },
        warnings,
      };
    } finally {
      release();
    }
  };
  return async (emit) => {
    try {
      return await generate(emit);
    } catch (error) {
      if (signal.aborted && PolywenError.isInstance(error) && error.code === "ABORTED") return { ...abortedReply(performance.now() - started), warnings };
      throw error;
    }
  };
}

/** What a call resolves with that was stopped before its first step. */
function abortedReply(totalMs: number): Omit<Reply, "warnings"> {
  return {
    text: "",
    tokens: [],
    tokenIds: [],
    promptTokenIds: [],
    finishReason: "aborted",
    usage: { promptTokens: 0, mediaTokens: 0, attendedTokens: 0, generatedTokens: 0, mediaCacheHits: 0 },
    timings: { preparedMs: totalMs, firstTokenMs: totalMs, totalMs },
  };
}

/** Filters and a seed change nothing where nothing is drawn; whoever gives them expects otherwise. */
function samplingWarnings(options: GenerateOptions, { temperature }: Sampling): readonly ReplyWarning[] {
  const ignored = (["topK", "topP", "minP", "seed"] as const).filter((name) => options[name] !== undefined);
  if (temperature > 0 || ignored.length === 0) return [];
  const cause = options.temperature === undefined ? "the checkpoint proposes temperature 0" : "temperature is 0";
  return [{ code: "SAMPLING_IGNORED", message: `${ignored.join(", ")} had no effect: ${cause}, which takes the most probable token. Give a temperature above 0 to sample.` }];
}

interface CollectedText {
  readonly tokens: readonly GeneratedToken[];
  readonly text: string;
  readonly finishReason: EngineFinish;
  readonly firstTokenAt: number | undefined;
}

/** Turns tokens into text, ending at an end token or a stop string. */
async function collectText(parts: ModelParts, stream: TokenStream, matcher: StopMatcher, emit: (part: ReplyPart) => void): Promise<CollectedText> {
  const decoder = new IncrementalDecoder(parts.tokenizer, { skipSpecial: true });
  const tokens: GeneratedToken[] = [];
  let text = "";
  let firstTokenAt: number | undefined;
  let stopped = false;
  const show = (piece: string, token: GeneratedToken): void => {
    if (piece === "") return;
    text += piece;
    emit({ text: piece, token });
  };
  for await (const token of stream) {
    firstTokenAt ??= performance.now();
    tokens.push(token);
    if (parts.stopTokens.has(token.id)) break;
    const found = matcher.push(decoder.push(token.id));
    show(found.text, token);
    stopped = found.stopped;
    if (stopped) break;
  }
  const last = tokens.at(-1);
  if (!stopped && last !== undefined) {
    const rest = matcher.push(decoder.flush());
    show(rest.text + (rest.stopped ? "" : matcher.flush()), last);
  }
  const ended = last !== undefined && parts.stopTokens.has(last.id);
  return { tokens, text, finishReason: stopped || ended ? "stop" : (stream.finish ?? "length"), firstTokenAt };
}

function withSystem(messages: readonly CheckedMessage[], system: string | undefined): readonly CheckedMessage[] {
  if (system === undefined) return messages;
  if (messages.some(({ role }) => role === "system")) throw new InvalidArgumentError({ argument: "system", expected: "no system option beside a system message", received: system });
  return [{ role: "system", parts: [system] }, ...messages];
}

/** Prompt and reply must fit the cache, and the context even where the cache, which many share, is larger. */
function tokensToGenerate({ engine }: ModelParts, promptTokens: number, maxTokens: number | undefined): number {
  const limit = engine.contextTokens;
  // The last token is not read again and needs no room.
  const room = limit - promptTokens + 1;
  if ((maxTokens ?? 1) <= room) return maxTokens ?? Math.min(512, room);
  const wanted = maxTokens ?? 1;
  throw new LimitExceededError(
    { what: `The prompt of ${promptTokens} tokens with ${wanted} to generate`, limit, received: promptTokens + wanted - 1, unit: "tokens" },
    { hint: `Shorten the prompt${limit < engine.model.contextLength ? ", ask for fewer tokens, or load the model with a larger cacheTokens" : " or ask for fewer tokens: this is the model's context"}.` },
  );
}

function checkedMaxTokens(maxTokens: number | undefined): number | undefined {
  if (maxTokens !== undefined && (!Number.isSafeInteger(maxTokens) || maxTokens < 1)) {
    throw new InvalidArgumentError({ argument: "maxTokens", expected: "a positive integer", received: maxTokens });
  }
  return maxTokens;
}
