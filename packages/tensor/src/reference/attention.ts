import { PAGE_ROWS, type AttentionOperation, type PagedKeys } from "../operations.ts";
import { dot } from "./linear.ts";
import type { ProgramMemory } from "./program-memory.ts";
import type { Steps } from "./steps.ts";

/** Copies `target.length` elements of keys or values from element `first` on. */
type Reader = (first: number, target: Float32Array) => void;

/** Where keys and values come from. */
interface KeyAccess {
  readonly keyHeads: number;
  readonly readKey: Reader;
  readonly readValue: Reader;
  /** The slots of the keys that a row sees, in order. */
  slotsSeenBy(row: number): Int32Array;
}

/** See `AttentionOperation`. */
export function* attention(operation: AttentionOperation, memory: ProgramMemory): Steps {
  const [rows, heads, width] = memory.shape(operation.query) as [number, number, number];
  const query = memory.floats(operation.query);
  const output = memory.floats(operation.output);
  const access = keyAccess(operation, memory);
  const groupWidth = (heads / access.keyHeads) * width;
  for (let row = 0; row < rows; row++) {
    const slots = access.slotsSeenBy(row);
    for (let keyHead = 0; keyHead < access.keyHeads; keyHead++) {
      const first = (row * access.keyHeads + keyHead) * groupWidth;
      const group = query.subarray(first, first + groupWidth);
      const scores = scoresOf(group, width, slots, keyHead, access, operation.scale);
      softmaxRows(scores, slots.length);
      output.set(weightedValues(scores, width, slots, keyHead, access, groupWidth), first);
      yield;
    }
  }
}

/** `[heads of the group, slots]`: the scaled dot products of the query heads that share a key head. */
function scoresOf(group: Float32Array, width: number, slots: Int32Array, keyHead: number, access: KeyAccess, scale: number): Float64Array {
  const heads = group.length / width;
  const scores = new Float64Array(heads * slots.length);
  const key = new Float32Array(width);
  slots.forEach((slot, index) => {
    access.readKey((slot * access.keyHeads + keyHead) * width, key);
    for (let head = 0; head < heads; head++) scores[head * slots.length + index] = scale * dot(group, head * width, key, 0, width);
  });
  return scores;
}

function softmaxRows(scores: Float64Array, length: number): void {
  for (let first = 0; first < scores.length; first += length) {
    const row = scores.subarray(first, first + length);
    const largest = row.reduce((left, right) => Math.max(left, right));
    let sum = 0;
    for (let i = 0; i < length; i++) sum += row[i] = Math.exp(row[i]! - largest);
    for (let i = 0; i < length; i++) row[i]! /= sum;
  }
}

function weightedValues(weights: Float64Array, width: number, slots: Int32Array, keyHead: number, access: KeyAccess, groupWidth: number): Float64Array {
  const sums = new Float64Array(groupWidth);
  const value = new Float32Array(width);
  slots.forEach((slot, index) => {
    access.readValue((slot * access.keyHeads + keyHead) * width, value);
    for (let first = 0, row = index; first < groupWidth; first += width, row += slots.length) {
      const weight = weights[row]!;
      for (let i = 0; i < width; i++) sums[first + i]! += weight * value[i]!;
    }
  });
  return sums;
}

function keyAccess(operation: AttentionOperation, memory: ProgramMemory): KeyAccess {
  const { source } = operation;
  const [keyRows, keyHeads] = memory.shape(source.keys) as [number, number];
  if (source.kind === "packed") {
    return {
      keyHeads,
      readKey: readerOf(memory.floats(source.keys)),
      readValue: readerOf(memory.floats(source.values)),
      slotsSeenBy: (row) => {
        const [begin, end] = memory.span("attention", operation.spans, row, keyRows);
        return Int32Array.from({ length: end - begin }, (_, index) => begin + index);
      },
    };
  }
  const keys = memory.resource(source.keys);
  const values = memory.resource(source.values);
  return {
    keyHeads,
    readKey: (first, target) => keys.read(first, target),
    readValue: (first, target) => values.read(first, target),
    slotsSeenBy: (row) => pagedSlots(operation, source, memory, row),
  };
}

function pagedSlots(operation: AttentionOperation, source: PagedKeys, memory: ProgramMemory, row: number): Int32Array {
  const pages = memory.integers(source.pages);
  const sequence = memory.index("attention", source.sequence, row, memory.integers(source.sequence)[row]!, memory.rows(source.pageSpans));
  const [firstPage, endPage] = memory.span("attention", source.pageSpans, sequence, pages.length);
  const [begin, end] = memory.span("attention", operation.spans, row, (endPage - firstPage) * PAGE_ROWS);
  const pageLimit = memory.rows(source.keys) / PAGE_ROWS;
  return Int32Array.from({ length: end - begin }, (_, index) => {
    const place = firstPage + Math.floor((begin + index) / PAGE_ROWS);
    const page = memory.index("attention", source.pages, place, pages[place]!, pageLimit);
    return page * PAGE_ROWS + ((begin + index) % PAGE_ROWS);
  });
}

function readerOf(values: Float32Array): Reader {
  return (first, target) => {
    for (let i = 0; i < target.length; i++) target[i] = values[first + i]!;
  };
}
