import { PAGE_ROWS } from "../operations.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** The arrays that place several sequences in pages and their new rows in one batch. */
export interface PagedLayout {
  readonly pageCount: number;
  /** Page numbers of all sequences, one after the other, in random order. */
  readonly pages: readonly number[];
  readonly pageSpans: readonly number[];
  /** Slots of the positions that exist before the run. */
  readonly pastSlots: readonly number[];
  /** By row of the batch: sequence, position in it, slot, and what it sees: its own position and earlier ones. */
  readonly sequence: readonly number[];
  readonly positions: readonly number[];
  readonly slots: readonly number[];
  readonly spans: readonly number[];
  /** The slot of any position of a sequence. */
  slotOf(sequence: number, position: number): number;
}

/** Lays out sequences in pages that are neither in order nor all in use, their new rows interleaved at random but each sequence in order. */
export function pagedLayout(random: SeededRandom, sequences: readonly { readonly past: number; readonly added: number }[], window: number = Infinity): PagedLayout {
  const needed = sequences.map(({ past, added }) => Math.ceil((past + added) / PAGE_ROWS));
  const pageCount = needed.reduce((sum, count) => sum + count, 2);
  const pages = random.permutation(pageCount).slice(0, pageCount - 2);
  const begins = needed.map((_, index) => needed.slice(0, index).reduce((sum, count) => sum + count, 0));
  const slotOf = (sequence: number, position: number): number => pages[begins[sequence]! + Math.floor(position / PAGE_ROWS)]! * PAGE_ROWS + (position % PAGE_ROWS);
  const order = sequences.flatMap(({ added }, index) => Array.from({ length: added }, () => index));
  const sequence = random.permutation(order.length).map((place) => order[place]!);
  const next = sequences.map(({ past }) => past);
  const positions = sequence.map((of) => next[of]!++);
  return {
    pageCount,
    pages,
    pageSpans: begins.flatMap((begin, index) => [begin, begin + needed[index]!]),
    pastSlots: sequences.flatMap(({ past }, index) => Array.from({ length: past }, (_, position) => slotOf(index, position))),
    sequence,
    positions,
    slots: sequence.map((of, row) => slotOf(of, positions[row]!)),
    spans: positions.flatMap((position) => [Math.max(0, position + 1 - window), position + 1]),
    slotOf,
  };
}
