import type { MediumRun, WeaveRule } from "@polywen/cross-modal";

/** Weaves media by chunks of so many positions of time: in each chunk the rows of the first medium come first, then those of the second. */
export function weaveByTime(positionsPerChunk: number): WeaveRule {
  return (times) => {
    const chunks = times.map((rows, medium) => chunksOf(rows, positionsPerChunk, medium));
    const count = Math.max(...chunks.map(({ length }) => length));
    return Array.from({ length: count }, (_, index) => chunks.flatMap((runs) => runs[index] ?? [])).flat();
  };
}

/** Cuts rows where their time reaches the end of the chunk. That moves on by one chunk a cut, as in the reference: after a gap, chunks of one row follow. */
function chunksOf(times: Int32Array, length: number, medium: number): readonly MediumRun[] {
  const runs: MediumRun[] = [];
  let from = 0;
  for (let row = 0; row < times.length; row++) {
    if (times[row]! < (runs.length + 1) * length) continue;
    runs.push({ medium, from, to: row });
    from = row;
  }
  return [...runs, { medium, from, to: times.length }];
}
