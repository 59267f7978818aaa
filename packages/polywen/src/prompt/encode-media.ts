import type { CrossMedia, EnginePrompt } from "@polywen/core";
import { mediaKey, type HeldKeys, type WantedMedium } from "@polywen/cross-modal";
import type { LongCallOptions } from "@polywen/tensor";
import type { LoadedModality, ModelParts } from "../model-parts.ts";
import type { PreparedPrompt, ReadyMedium } from "./prepare-prompt.ts";

/** Options of `encodeMedia`. */
export interface EncodeMediaOptions extends LongCallOptions {
  /** Receives the rows [rows, hidden size] of each level of every medium, in any order, valid during the call only. Media are then encoded anew. */
  readonly onRows?: ((medium: number, levels: readonly Float32Array[]) => void) | undefined;
}

/** A prompt in the engine's terms; its media stay where they are until `release`. */
export interface EncodedPrompt {
  readonly prompt: EnginePrompt;
  /** Media that were found encoded, or were on their way for somebody else. */
  readonly cacheHits: number;
  release(): void;
}

/** Runs the encoders and wires their rows to the prompt; waits while other prompts hold too many media rows. */
export async function encodeMedia(parts: ModelParts, prepared: PreparedPrompt, options: EncodeMediaOptions): Promise<EncodedPrompt> {
  const { ids, positions, nextPosition } = prepared.layout;
  const prompt = { ids, positions, nextPosition };
  // Media that no open gate lets through are not even encoded.
  const needed = prepared.media.map((medium, index) => ({ medium, index })).filter(({ medium }) => medium.modality.injection === "prefix" || medium.modality.keys !== undefined || options.onRows !== undefined);
  if (needed.length === 0) return { prompt, cacheHits: 0, release: () => undefined };
  const wanted: WantedMedium[] = [];
  for (const { medium, index } of needed) wanted.push(await wantedMedium(medium, index, options));
  const held = await parts.media!.hold(wanted, options.signal);
  const keys: HeldKeys[] = [];
  const release = (): void => [held, ...keys].forEach((part) => part.release());
  try {
    const slotsOf = new Map(needed.map(({ index }, place) => [index, held.slots[place]!]));
    const cross = await holdKeys(prepared, slotsOf, keys, options);
    return { prompt: { ...prompt, ...mediaIndex(prepared, slotsOf), ...(cross.size === 0 ? {} : { cross }) }, cacheHits: held.hits, release };
  } catch (error) {
    release();
    throw error;
  }
}

async function wantedMedium({ name, modality, prepared }: ReadyMedium, index: number, { signal, onRows }: EncodeMediaOptions): Promise<WantedMedium> {
  const key = onRows === undefined ? await mediaKey(name, prepared, signal) : undefined;
  const receive = onRows === undefined ? {} : { onRows: (levels: readonly Float32Array[]) => onRows(index, levels) };
  return { key, rows: prepared.rows, encode: (slots, encoding) => modality.encoder.encode(prepared, slots, { signal: encoding, ...receive }) };
}

/** The slots of media rows that stand in the prompt. */
function mediaIndex({ layout, media }: PreparedPrompt, slotsOf: ReadonlyMap<number, readonly number[]>): Pick<EnginePrompt, "mediaIndex"> {
  const slots = media.flatMap(({ modality }, index) => (modality.injection === "prefix" ? slotsOf.get(index)! : []));
  return slots.length === 0 ? {} : { mediaIndex: layout.mediaRows.map((row) => (row < 0 ? -1 : slots[row]!)) };
}

/** Keys and values of media beside the prompt. `held` takes what must be given back. Modalities have their turn in a fixed order, so that no two prompts wait for each other. */
async function holdKeys({ media, places }: PreparedPrompt, slotsOf: ReadonlyMap<number, readonly number[]>, held: HeldKeys[], { signal }: EncodeMediaOptions): Promise<Map<string, CrossMedia>> {
  const byModality = new Map<string, { readonly keys: NonNullable<LoadedModality["keys"]>; readonly placed: { from: number; slots: readonly number[] }[] }>();
  media.forEach(({ name, modality: { keys } }, index) => {
    if (keys === undefined) return;
    const group = byModality.get(name) ?? { keys, placed: [] };
    byModality.set(name, group);
    group.placed.push({ from: places[index]!, slots: slotsOf.get(index)! });
  });
  const cross = new Map<string, CrossMedia>();
  for (const [name, { keys, placed }] of [...byModality].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const one = await keys.hold(placed, { signal });
    held.push(one);
    cross.set(name, one.media);
  }
  return cross;
}
