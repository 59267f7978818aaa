import { InvalidArgumentError, UnsupportedError } from "@polywen/tensor";

/** Text in an expanded prompt. */
export interface TextPart {
  readonly kind: "text";
  readonly ids: readonly number[];
}

/** A medium in an expanded prompt. */
export interface MediumPart {
  readonly kind: "medium";
  /** Token id that stands for each of its rows. */
  readonly placeholder: number;
  /** Number of media rows. */
  readonly rows: number;
  /** Frames, height and width of the rows of a picture or video; absent for media that run in time like text. */
  readonly grid?: readonly [number, number, number] | undefined;
  /** Seconds from one frame to the next; absent for pictures, and for videos whose frames are counted and not timed. */
  readonly secondsPerFrame?: number | undefined;
}

/** Media that run at the same time, a video and its sound: their rows are woven into each other, and their positions begin together. */
export interface WovenPart {
  readonly kind: "woven";
  readonly media: readonly [MediumPart, ...MediumPart[]];
  /** Tokens right before and after the rows. They share the position of the row of the prompt beside them. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** A piece of an expanded prompt. */
export type LayoutPart = TextPart | MediumPart | WovenPart;

/** A prompt ready for the engine but for the slots of its media rows. */
export interface Layout {
  /** [rows]: token ids, placeholders repeated. */
  readonly ids: Int32Array;
  /** [rows, axes] */
  readonly positions: Int32Array;
  /** Position of the first generated token on every axis: after the largest of the prompt. */
  readonly nextPosition: number;
  /** [rows]: number of the media row, counted through all media of the prompt in order; -1 for text. */
  readonly mediaRows: Int32Array;
}

/** Assigns positions to a prompt: one pure function per family of position schemes. */
export type LayoutRule = (parts: readonly LayoutPart[]) => Layout;

/** One position axis that counts rows, whatever they are. */
export const sequentialLayout: LayoutRule = (parts) => layOut(parts, { axes: 1, place: (_, start, positions) => countUp(positions, 1, start) });

/** Where frame number `frame` lies on the time axis, counted from the first. Whole and not falling. */
export type FrameTime = (frame: number, secondsPerFrame: number) => number;

/** Rows of one of several media, from `from` to before `to`. */
export interface MediumRun {
  readonly medium: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Puts the rows of media that run at the same time into one order, in which each of them occurs once. It is told where the rows of every
 * medium lie on the first axis, counted from their common beginning.
 */
export type WeaveRule = (times: readonly Int32Array[]) => readonly MediumRun[];

/**
 * M-RoPE: text advances all three axes together; a row (frame, y, x) of a picture or video lies at its start plus
 * (time of the frame, y, x), and what follows continues after the largest of them. Times of frames without seconds are their numbers.
 * What follows woven media continues after the largest position in the last run of their rows. Without `weave` there are none:
 * the rule throws UnsupportedError.
 */
export function timedMropeLayout(timeOf: FrameTime, weave?: WeaveRule): LayoutRule {
  const place: Placement = (part, start, positions) => {
    if (part.kind === "text" || part.grid === undefined) return countUp(positions, 3, start);
    const [frames, height, width] = part.grid;
    const { secondsPerFrame } = part;
    let [at, last] = [0, 0];
    for (let frame = 0; frame < frames; frame++) {
      last = secondsPerFrame === undefined ? frame : timeOf(frame, secondsPerFrame);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, at += 3) {
          positions[at] = start + last;
          positions[at + 1] = start + y;
          positions[at + 2] = start + x;
        }
      }
    }
    return start + Math.max(last + 1, height, width);
  };
  return (parts) => layOut(parts, { axes: 3, place, weave });
}

/** M-RoPE of Qwen2-VL and Qwen3-VL: frames are counted. */
export const mropeLayout: LayoutRule = timedMropeLayout((frame) => frame);

/**
 * Splits ids at placeholders: the k-th placeholder of a token belongs to the k-th medium of that token. Woven media have one, that of the first of them.
 * Throws `InvalidArgumentError` if their numbers differ.
 */
export function splitAtPlaceholders(ids: readonly number[], media: readonly (MediumPart | WovenPart)[]): LayoutPart[] {
  const queues = new Map<number, (MediumPart | WovenPart)[]>();
  for (const medium of media) {
    const { placeholder } = medium.kind === "woven" ? medium.media[0] : medium;
    queues.set(placeholder, [...(queues.get(placeholder) ?? []), medium]);
  }
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

/** Writes the positions [rows, axes] of a part that begins at `start`, and gives where what follows begins. */
type Placement = (part: TextPart | MediumPart, start: number, positions: Int32Array) => number;

interface Rules {
  readonly axes: number;
  readonly place: Placement;
  readonly weave?: WeaveRule | undefined;
}

/** The stretch of a layout that a part fills, and the number of its first media row. */
interface Stretch extends Pick<Layout, "ids" | "positions" | "mediaRows"> {
  readonly firstMediaRow: number;
}

function layOut(parts: readonly LayoutPart[], rules: Rules): Layout {
  const { axes } = rules;
  const total = parts.reduce((sum, part) => sum + rowsOf(part), 0);
  const [ids, positions, mediaRows] = [new Int32Array(total), new Int32Array(total * axes), new Int32Array(total).fill(-1)];
  let [row, firstMediaRow, position] = [0, 0, 0];
  for (const part of parts) {
    const end = row + rowsOf(part);
    const stretch = { ids: ids.subarray(row, end), positions: positions.subarray(row * axes, end * axes), mediaRows: mediaRows.subarray(row, end), firstMediaRow };
    position = part.kind === "woven" ? layOutWoven(part, position, stretch, rules) : layOutPlain(part, position, stretch, rules);
    firstMediaRow += mediaRowsOf(part);
    row = end;
  }
  return { ids, positions, mediaRows, nextPosition: Math.max(position, largest(positions) + 1) };
}

function layOutPlain(part: TextPart | MediumPart, start: number, { ids, positions, mediaRows, firstMediaRow }: Stretch, { place }: Rules): number {
  if (part.kind === "text") ids.set(part.ids);
  else {
    ids.fill(part.placeholder);
    for (let row = 0; row < mediaRows.length; row++) mediaRows[row] = firstMediaRow + row;
  }
  return place(part, start, positions);
}

function layOutWoven({ media, before, after }: WovenPart, start: number, { ids, positions, mediaRows, firstMediaRow }: Stretch, { axes, place, weave }: Rules): number {
  if (weave === undefined) throw new UnsupportedError({ feature: "Media that run at the same time, for this model" });
  let mediaRow = firstMediaRow;
  const placed = media.map((medium) => {
    const own = { medium, positions: new Int32Array(medium.rows * axes), firstMediaRow: mediaRow };
    place(medium, start, own.positions);
    mediaRow += medium.rows;
    return own;
  });
  const times = placed.map((own) => Int32Array.from({ length: own.medium.rows }, (_, row) => own.positions[row * axes]! - start));
  let [row, end] = [before.length, start];
  ids.set(before);
  positions.fill(Math.max(start - 1, 0), 0, row * axes);
  for (const { medium, from, to } of weave(times)) {
    const own = placed[medium]!;
    const run = own.positions.subarray(from * axes, to * axes);
    positions.set(run, row * axes);
    end = largest(run) + 1;
    for (let index = from; index < to; index++, row++) {
      ids[row] = own.medium.placeholder;
      mediaRows[row] = own.firstMediaRow + index;
    }
  }
  ids.set(after, row);
  positions.fill(end, row * axes);
  return end;
}

/** Positions that count up, the same on all axes. */
function countUp(positions: Int32Array, axes: number, start: number): number {
  for (let index = 0; index < positions.length; index++) positions[index] = start + Math.floor(index / axes);
  return start + positions.length / axes;
}

function largest(positions: Int32Array): number {
  let found = -1;
  for (let index = 0; index < positions.length; index++) found = Math.max(found, positions[index]!);
  return found;
}

/** Rows of the prompt that a part takes. */
export function rowsOf(part: LayoutPart): number {
  return part.kind === "text" ? part.ids.length : mediaRowsOf(part) + (part.kind === "woven" ? part.before.length + part.after.length : 0);
}

function mediaRowsOf(part: LayoutPart): number {
  if (part.kind === "text") return 0;
  return part.kind === "medium" ? part.rows : part.media.reduce((sum, { rows }) => sum + rows, 0);
}
