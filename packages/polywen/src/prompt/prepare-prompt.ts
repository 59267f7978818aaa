import { rowsOf, splitAtPlaceholders, type Layout, type LayoutPart, type MediaPart, type MediumPart, type PreparedMedium, type WovenPart } from "@polywen/cross-modal";
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

/** What stands in one place of a prompt: a medium, or two that run at the same time. */
type Placed = readonly [ReadyMedium, ...ReadyMedium[]];

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
  const placed = await prepareMedia(parts, order.map((index) => given[index]!), options.signal);
  const encoded = texts.map((segments, index) => parts.tokenizer.encodeSegments(wrap(segments, placed[index - 1]?.[0], placed[index]?.[0])));
  const blocks = encoded.flatMap((ids, index): Block[] => [[{ kind: "text", ids }], ...(placed[index] === undefined ? [] : [mediumBlock(parts, placed[index])])]);
  return { layout: checkedLayout(parts, blocks.flat()), media: placed.flat(), places: placesOf(blocks) };
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
  const byPart = new Map(prepared.map((placed) => [layoutPart(parts, placed), placed]));
  const layoutParts = splitAtPlaceholders(ids, [...byPart.keys()]);
  const media = layoutParts.flatMap((part) => (part.kind === "text" ? [] : byPart.get(part)!));
  const blocks = layoutParts.map((part): Block => (part.kind === "text" ? [part] : mediumBlock(parts, byPart.get(part)!)));
  return { layout: checkedLayout(parts, blocks.flat()), media, places: placesOf(blocks) };
}

async function render(parts: ModelParts, messages: readonly { role: string; content: string }[], signal: AbortSignal | undefined): Promise<TextSegment[]> {
  if (parts.template === undefined) {
    throw new ChatTemplateError("TEMPLATE_MISSING", { file: parts.path, problem: "the model has no chat template" }, { hint: "Pass { raw: true } to continue a plain text." });
  }
  return parts.template.render(messages, signal === undefined ? {} : { signal });
}

async function prepareMedia(parts: ModelParts, given: readonly MediaPart[], signal: AbortSignal | undefined): Promise<Placed[]> {
  const wanted = given.map((part) => together(parts, part).map(({ modality: name, input }) => ({ name, input, modality: knownModality(parts, name) })));
  for (const { name, modality } of wanted.flat()) {
    const limit = modality.encoder.definition.limits?.maxItems ?? 16;
    const received = wanted.flat().filter((medium) => medium.name === name).length;
    if (received > limit) throw new LimitExceededError({ what: `The number of ${name} inputs in one prompt`, limit, received });
  }
  const placed: Placed[] = [];
  for (const media of wanted) {
    const ready: ReadyMedium[] = [];
    for (const { name, modality, input } of media) ready.push({ name, modality, prepared: await modality.encoder.prepare(input, { signal, network: parts.network }) });
    placed.push(ready as unknown as Placed);
  }
  return placed;
}

/** A medium, and the one that runs beside it. Throws UnsupportedError for two that the model cannot weave. */
function together(parts: ModelParts, part: MediaPart): readonly MediaPart[] {
  if (part.beside === undefined) return [part];
  if (knownModality(parts, part.modality).weaves !== part.beside.modality) {
    throw new UnsupportedError({ feature: `${part.modality} with ${part.beside.modality} beside it for this model` }, { hint: "Pass them as two media, one after the other, if the model takes both." });
  }
  return [part, part.beside];
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

/** What a place of the prompt is to the layout. */
function layoutPart({ tokenizer }: ModelParts, [first, ...others]: Placed): MediumPart | WovenPart {
  if (others.length === 0) return mediumPart(first);
  const tokens = (text: string): readonly number[] => tokenizer.encode(text, { special: true });
  const before = others.flatMap(({ modality }) => tokens(modality.before));
  return { kind: "woven", media: [mediumPart(first), ...others.map(mediumPart)], before, after: others.flatMap(({ modality }) => tokens(modality.after)) };
}

/** A medium that rows attend to takes no row of the prompt, only a place. */
function mediumPart({ modality, prepared }: ReadyMedium): MediumPart {
  const { placeholder, injection } = modality;
  const { rows, grid, secondsPerFrame } = prepared;
  return injection === "prefix" ? { kind: "medium", placeholder, rows, grid, secondsPerFrame } : { kind: "medium", placeholder, rows: 0 };
}

/** A text, or what stands in one place: whole, or in pieces with text between them. */
type Block = readonly LayoutPart[];

function mediumBlock(parts: ModelParts, placed: Placed): Block {
  const [{ modality, prepared }, ...others] = placed;
  const { pieces } = prepared;
  if (pieces === undefined || modality.injection !== "prefix" || others.length > 0) return [layoutPart(parts, placed)];
  const text = (content: string): LayoutPart => ({ kind: "text", ids: parts.tokenizer.encode(content, { special: true }) });
  return pieces.flatMap(({ before, after, rows, grid }): LayoutPart[] => [text(before), { kind: "medium", placeholder: modality.placeholder, rows, grid }, text(after)]);
}

/** The row that follows each medium; pieces of one medium are one. */
function placesOf(blocks: readonly Block[]): number[] {
  let row = 0;
  return blocks.flatMap((block) => {
    row += block.reduce((sum, part) => sum + rowsOf(part), 0);
    const woven = block.find((part) => part.kind === "woven");
    return Array<number>(woven?.media.length ?? (block.some(({ kind }) => kind === "medium") ? 1 : 0)).fill(row);
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
