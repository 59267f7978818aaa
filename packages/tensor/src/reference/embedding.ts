import type { EmbeddingOperation, GatherOperation } from "../operations.ts";
import type { ProgramMemory } from "./program-memory.ts";
import type { Steps } from "./steps.ts";

/** See `EmbeddingOperation`. The id of a row that takes a media row is not read. */
export function* embedding(operation: EmbeddingOperation, memory: ProgramMemory): Steps {
  const ids = memory.integers(operation.ids);
  const table = memory.floats(operation.table);
  const [vocabulary, width] = memory.shape(operation.table) as [number, number];
  const output = memory.floats(operation.output);
  const mediaIndex = operation.media === undefined ? undefined : memory.integers(operation.media.index);
  for (let row = 0; row < ids.length; row++) {
    const target = output.subarray(row * width, (row + 1) * width);
    const slot = mediaIndex?.[row] ?? -1;
    if (operation.media !== undefined && slot !== -1) {
      const media = memory.resource(operation.media.rows);
      media.read(memory.index("embedding", operation.media.index, row, slot, media.spec.shape[0]!) * width, target);
    } else {
      const id = memory.index("embedding", operation.ids, row, ids[row]!, vocabulary);
      target.set(table.subarray(id * width, (id + 1) * width));
    }
    yield;
  }
}

/** See `GatherOperation`. */
export function* gather(operation: GatherOperation, memory: ProgramMemory): Steps {
  const read = rowReader(operation, memory);
  const [sourceRows, width] = memory.shape(operation.source) as [number, number];
  const indices = memory.integers(operation.indices);
  const [rows, taps] = memory.shape(operation.indices) as [number, number];
  const output = memory.floats(operation.output);
  const values = new Float32Array(width);
  const mean = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    mean.fill(0);
    for (let tap = 0; tap < taps; tap++) {
      const index = indices[row * taps + tap]!;
      if (index === -1) values.fill(0);
      else read(memory.index("gather", operation.indices, row, index, sourceRows) * width, values);
      if (operation.combine === "concatenate") output.set(values, (row * taps + tap) * width);
      else values.forEach((value, column) => (mean[column]! += value / taps));
    }
    if (operation.combine === "mean") output.set(mean, row * width);
    yield;
  }
}

/** Copies cells of the source from `first` on, wherever they are. */
function rowReader({ source }: GatherOperation, memory: ProgramMemory): (first: number, target: Float32Array) => void {
  if (memory.hasResource(source)) return (first, target) => memory.resource(source).read(first, target);
  const cells = memory.floats(source);
  return (first, target) => target.set(cells.subarray(first, first + target.length));
}
