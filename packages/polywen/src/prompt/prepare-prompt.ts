import { splitAtPlaceholders, type Layout, type LayoutPart, type MediaPart, type PreparedMedium } from "@polywen/cross-modal";
import { InvalidArgumentError, LimitExceededError, UnsupportedError } from "@polywen/tensor";
import { ChatTemplateError, type TextSegment } from "@polywen/tokenizer";
import type { LoadedModality, ModelParts } from "../model-parts.ts";
import type { CheckedMessage } from "./check-prompt.ts";
import { MediaMarks } from "./media-marks.ts";

/** A medium with its modality, ready for its encoder. */
export interface ReadyMedium {
  readonly name: string;
  readonly modality: LoadedModality;
  readonly prepared: PreparedMedium;
}

/** A prompt whose media are decoded but not yet encoded. */
export interface PreparedPrompt {
  readonly layout: Layout;
  /** In the order of the prompt. */
  readonly media: readonly ReadyMedium[];
  /** For each of them the first row of the prompt that comes after it. */
  readonly places: readonly number[];
}

const tooLongHint = "Shorten the prompt, or load the model with a larger cacheTokens if its context allows.";

/** Options of `preparePrompt`. */
export interface PreparePromptOptions {
  readonly raw: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Renders the template, decodes media, and lays everything out in rows. */
export async function preparePrompt(parts: ModelParts, messages: readonly CheckedMessage[], options: PreparePromptOptions): Promise<PreparedPrompt> {
  requireShort(parts, messages);
  const marks = new MediaMarks();
  const given: MediaPart[] = [];
  const place = (part: MediaPart): string => {
    const mark = marks.mark(given.push(part) - 1);
    const label = options.raw ? undefined : parts.modalities.get(part.modality)?.label?.(given.filter(({ modality }) => modality === part.modality).length - 1);
    return label === undefined ? mark : `${label.before}${mark}${label.after}`;
  };
  const marked = messages.map(({ role, parts: content }) => ({ role, content: content.map((part) => (typeof part === "string" ? part : place(part))).join("") }));
  const rendered = options.raw ? marked.map(({ content }) => ({ text: content, trusted: true })) : await render(parts, marked, options.signal);
  const { texts, media: order } = marks.split(rendered);
  if (order.length !== given.length) {
    throw new InvalidArgumentError({ argument: "prompt", expected: `a chat template that shows all ${given.length} media once`, received: `${order.length} in the rendered prompt` });
  }
  const media = await prepareMedia(parts, order.map((index) => given[index]!), options.signal);
  const encoded = texts.map((segments, index) => parts.tokenizer.encodeSegments(wrap(segments, media[index - 1], media[index])));
  const blocks = encoded.flatMap((ids, index): Block[] => [[{ kind: "text", ids }], ...(media[index] === undefined ? [] : [mediumBlock(parts, media[index])])]);
  return { layout: checkedLayout(parts, blocks.flat()), media, places: placesOf(blocks) };
}

/** No token of a published vocabulary has more characters, so that a text beyond this cannot fit; it is refused before it costs any time. */
const MAX_CHARACTERS_PER_TOKEN = 256;

function requireShort(parts: ModelParts, messages: readonly CheckedMessage[]): void {
  const limit = parts.engine.cacheTokens * MAX_CHARACTERS_PER_TOKEN;
  const received = messages.reduce((sum, message) => sum + message.parts.reduce((length, part) => length + (typeof part === "string" ? part.length : 0), 0), 0);
  if (received > limit) throw new LimitExceededError({ what: "The text of the prompt", limit, received, unit: "characters" }, { hint: tooLongHint });
}

/** Lays out ids in which one placeholder stands for each medium, as published processors take them. */
export async function prepareIds(parts: ModelParts, ids: readonly number[], given: readonly MediaPart[], signal?: AbortSignal): Promise<PreparedPrompt> {
  const prepared = await prepareMedia(parts, given, signal);
  const byPart = new Map(prepared.map((medium) => [layoutPart(medium), medium]));
  const layoutParts = splitAtPlaceholders(ids, [...byPart.keys()]);
  const media = layoutParts.flatMap((part) => (part.kind === "medium" ? [byPart.get(part)!] : []));
  const blocks = layoutParts.map((part): Block => (part.kind === "medium" ? mediumBlock(parts, byPart.get(part)!) : [part]));
  return { layout: checkedLayout(parts, blocks.flat()), media, places: placesOf(blocks) };
}

async function render(parts: ModelParts, messages: readonly { role: string; content: string }[], signal: AbortSignal | undefined): Promise<TextSegment[]> {
  if (parts.template === undefined) {
    throw new ChatTemplateError("TEMPLATE_MISSING", { file: parts.path, problem: "the model has no chat template" }, { hint: "Pass { raw: true } to continue a plain text." });
  }
  return parts.template.render(messages, signal === undefined ? {} : { signal });
}

async function prepareMedia(parts: ModelParts, given: readonly MediaPart[], signal: AbortSignal | undefined): Promise<ReadyMedium[]> {
  const wanted = given.map(({ modality: name, input }) => ({ name, input, modality: knownModality(parts, name) }));
  for (const { name, modality } of wanted) {
    const limit = modality.encoder.definition.limits?.maxItems ?? 16;
    const received = wanted.filter((medium) => medium.name === name).length;
    if (received > limit) throw new LimitExceededError({ what: `The number of ${name} inputs in one prompt`, limit, received });
  }
  const ready: ReadyMedium[] = [];
  for (const { name, modality, input } of wanted) ready.push({ name, modality, prepared: await modality.encoder.prepare(input, { signal, network: parts.network }) });
  return ready;
}

function knownModality(parts: ModelParts, name: string): LoadedModality {
  const modality = parts.modalities.get(name);
  if (modality === undefined) throw new UnsupportedError({ feature: `${name} input for this model`, supported: ["text", ...parts.modalities.keys()] });
  return modality;
}

/** The special tokens around a medium join the text beside it. */
function wrap(segments: readonly TextSegment[], previous: ReadyMedium | undefined, next: ReadyMedium | undefined): TextSegment[] {
  const trusted = (text: string | undefined): TextSegment[] => (text === undefined || text === "" ? [] : [{ text, trusted: true }]);
  return [...trusted(previous?.modality.after), ...segments, ...trusted(next?.modality.before)];
}

/** A medium that rows attend to takes no row of the prompt, only a place. */
function layoutPart({ modality, prepared }: ReadyMedium): Extract<LayoutPart, { kind: "medium" }> {
  const { placeholder, injection } = modality;
  const { rows, grid, secondsPerFrame } = prepared;
  return injection === "prefix" ? { kind: "medium", placeholder, rows, grid, secondsPerFrame } : { kind: "medium", placeholder, rows: 0 };
}

/** A text, or a medium as it lies in the prompt: whole, or in pieces with text between them. */
type Block = readonly LayoutPart[];

function mediumBlock({ tokenizer }: ModelParts, medium: ReadyMedium): Block {
  const { pieces } = medium.prepared;
  if (pieces === undefined || medium.modality.injection !== "prefix") return [layoutPart(medium)];
  const text = (content: string): LayoutPart => ({ kind: "text", ids: tokenizer.encode(content, { special: true }) });
  return pieces.flatMap(({ before, after, rows, grid }): LayoutPart[] => [text(before), { kind: "medium", placeholder: medium.modality.placeholder, rows, grid }, text(after)]);
}

/** The row that follows each medium. */
function placesOf(blocks: readonly Block[]): number[] {
  let row = 0;
  return blocks.flatMap((block) => {
    row += block.reduce((sum, part) => sum + (part.kind === "text" ? part.ids.length : part.rows), 0);
    return block.some(({ kind }) => kind === "medium") ? [row] : [];
  });
}

/** A prompt is never cut in silence: one that cannot fit is refused with the counts, before any encoder runs. */
function checkedLayout(parts: ModelParts, layoutParts: readonly LayoutPart[]): Layout {
  const layout = parts.layout(layoutParts);
  const limit = parts.engine.cacheTokens;
  if (layout.ids.length > limit) {
    throw new LimitExceededError(
      { what: "The prompt", limit, received: layout.ids.length, unit: "tokens" },
      { hint: tooLongHint },
    );
  }
  return layout;
}
