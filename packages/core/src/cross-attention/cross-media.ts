import type { Attend } from "./cross-attention.ts";

/** The media of one modality that a prompt attends to. */
export interface CrossMedia {
  /** Pages that hold their keys and values; media row `i` is row `i` of these pages. */
  readonly pages: readonly number[];
  /** In the order of the prompt. */
  readonly items: readonly CrossItem[];
}

/** One medium beside a prompt. */
export interface CrossItem {
  /** The first row of the prompt that comes after it; what is generated comes after all. */
  readonly from: number;
  /** Its media rows: `begin … end - 1` of those of the prompt. */
  readonly begin: number;
  readonly end: number;
}

/**
 * The media rows that a row sees, as begin and end; the same number twice for none. Media with no row between them stand
 * at one place and are seen together by `latest`: else nobody would see the first of them.
 */
export function seenMedia(items: readonly CrossItem[], attend: Attend, row: number): readonly [number, number] {
  const last = items.filter(({ from }) => from <= row).at(-1);
  if (last === undefined) return [0, 0];
  const first = attend === "latest" ? items.find(({ from }) => from === last.from)! : items[0]!;
  return [first.begin, last.end];
}
