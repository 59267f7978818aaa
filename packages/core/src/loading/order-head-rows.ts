import { InvalidFileError } from "@polywen/tensor";
import { jsonPointer, type TensorEntry } from "@polywen/formats";

/**
 * The rows of attention heads in the order that half-split rotation needs: row 2j + s of a head, as llama.cpp stores it,
 * is row s × width / 2 + j. Rows are moved as they are stored, quantised ones included; `bytes` are those of `entry`.
 */
export function orderHeadRows(bytes: Uint8Array, entry: TensorEntry, heads: number): Uint8Array {
  const rows = entry.shape[0] ?? 1;
  const width = rows / heads;
  if (width % 2 !== 0) throw new InvalidFileError({ file: entry.file, problem: `${rows} rows of tensor ${entry.name} cannot be shared by ${heads} heads of even width`, pointer: jsonPointer([entry.name]) });
  const rowBytes = bytes.byteLength / rows;
  const ordered = new Uint8Array(bytes.byteLength);
  for (let head = 0; head < rows; head += width) {
    for (let row = 0; row < width; row++) {
      const from = (head + row) * rowBytes;
      const to = (head + (row % 2) * (width / 2) + Math.floor(row / 2)) * rowBytes;
      ordered.set(bytes.subarray(from, from + rowBytes), to);
    }
  }
  return ordered;
}
