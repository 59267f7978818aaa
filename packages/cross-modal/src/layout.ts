import { InvalidArgumentError } from "@polywen/tensor";

/** A piece of an expanded prompt. */
export type LayoutPart =
  | { readonly kind: "text"; readonly ids: readonly number[] }
  | {
      readonly kind: "medium";
      /** Token id that stands for each of its rows. */
      readonly placeholder: number;
      /** Number of media rows. */
      readonly rows: number;
      /** Frames, height and width of the rows of a picture or video; absent for media that run in time like text. */
      readonly grid?: readonly [number, number, number] | undefined;
      /** Seconds from one frame to the next; absent for pictures, and for videos whose frames are counted and not timed. */
      readonly secondsPerFrame?: number | undefined;
    };

/** A prompt ready for the engine but for the slots of its media rows. */
export interface Layout {
  /** [rows]: token ids, placeholders repeated. */
  readonly ids: Int32Array;
  /** [rows, axes] */
  readonly positions: Int32Array;
  /** Position of the first generated token on every axis. */
  readonly nextPosition: number;
  /** [rows]: number of the media row, counted through all media of the prompt in order; -1 for text. */
  readonly mediaRows: Int32Array;
}

/** Assigns positions to a prompt: one pure function per family of position schemes. */
export type LayoutRule = (parts: readonly LayoutPart[]) => Layout;

/** One position axis that counts rows, whatever they are. */
export const sequentialLayout: LayoutRule = (parts) => layOut(parts, 1, (_, start, write) => start + write.count());

/** Where frame number `frame` lies on the time axis, counted from the first. Whole and not falling. */
export type FrameTime = (frame: number, secondsPerFrame: number) => number;

/**
 * M-RoPE: text advances all three axes together; a row (frame, y, x) of a picture or video lies at its start plus
 * (time of the frame, y, x), and what follows continues after the largest of them. Times of frames without seconds are their numbers.
 */
export function timedMropeLayout(timeOf: FrameTime): LayoutRule {
  return (parts) =>
    layOut(parts, 3, (part, start, write) => {
      if (part.kind === "text" || part.grid === undefined) return start + write.count();
      const [frames, height, width] = part.grid;
      const { secondsPerFrame } = part;
      const times = Array.from({ length: frames }, (_, frame) => (secondsPerFrame === undefined ? frame : timeOf(frame, secondsPerFrame)));
      for (const time of times) {
        for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) write.row(start + time, start + y, start + x);
      }
      return start + Math.max(times.at(-1)! + 1, height, width);
    });
}

/** M-RoPE of Qwen2-VL and Qwen3-VL: frames are counted. */
export const mropeLayout: LayoutRule = timedMropeLayout((frame) => frame);

/**
 * Splits ids at placeholders: the k-th placeholder of a token belongs to the k-th medium of that token.
 * Throws `InvalidArgumentError` if their numbers differ.
 */
export function splitAtPlaceholders(
  ids: readonly number[],
  media: readonly Extract<LayoutPart, { kind: "medium" }>[],
): LayoutPart[] {
  const queues = new Map<number, Extract<LayoutPart, { kind: "medium" }>[]>();
  for (const medium of media) queues.set(medium.placeholder, [...(queues.get(medium.placeholder) ?? []), medium]);
  const parts: LayoutPart[] = [];
  let text: number[] = [];
  for (const id of ids) {
    const queue = queues.get(id);
    if (queue === undefined) {
      text.push(id);
      continue;
    }
    const medium = queue.shift();
    if (medium === undefined) throw new InvalidArgumentError({ argument: "prompt", expected: "one placeholder for each medium", received: "more placeholders than media" });
    if (text.length > 0) parts.push({ kind: "text", ids: text });
    parts.push(medium);
    text = [];
  }
  if (text.length > 0) parts.push({ kind: "text", ids: text });
  const left = [...queues.values()].reduce((sum, queue) => sum + queue.length, 0);
  if (left > 0) throw new InvalidArgumentError({ argument: "prompt", expected: "one placeholder for each medium", received: `${left} media without a placeholder` });
  return parts;
}

interface PositionWriter {
  /** Positions that count up from the part's start, the same on all axes; returns how many. */
  count(): number;
  row(...position: readonly number[]): void;
}

function layOut(parts: readonly LayoutPart[], axes: number, place: (part: LayoutPart, start: number, write: PositionWriter) => number): Layout {
  const total = parts.reduce((sum, part) => sum + rowsOf(part), 0);
  const layout = { ids: new Int32Array(total), positions: new Int32Array(total * axes), mediaRows: new Int32Array(total).fill(-1) };
  let [row, mediaRow, position] = [0, 0, 0];
  for (const part of parts) {
    const count = rowsOf(part);
    let at = row * axes;
    const write: PositionWriter = {
      row: (...values) => {
        layout.positions.set(values, at);
        at += axes;
      },
      count: () => {
        for (let index = 0; index < count * axes; index++) layout.positions[at++] = position + Math.floor(index / axes);
        return count;
      },
    };
    const next = place(part, position, write);
    if (part.kind === "text") layout.ids.set(part.ids, row);
    else {
      layout.ids.fill(part.placeholder, row, row + count);
      for (let index = 0; index < count; index++) layout.mediaRows[row + index] = mediaRow++;
    }
    row += count;
    position = next;
  }
  return { ...layout, nextPosition: position };
}

function rowsOf(part: LayoutPart): number {
  return part.kind === "text" ? part.ids.length : part.rows;
}
