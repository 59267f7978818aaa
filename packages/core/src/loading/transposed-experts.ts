import type { Checkpoint, TensorEntry } from "@polywen/formats";
import type { WeightPart } from "@polywen/tensor";

/** Which columns of a stored matrix are wanted: part number `part` of `parts` equal ones. */
export interface ColumnPart {
  readonly part: number;
  readonly parts: number;
}

/**
 * The matrices of a stack that a file keeps as [experts, in, out], each as [out, in]: turned one after the other when a backend asks for
 * them. Every element of `dtype` is two or four bytes.
 */
export function transposedExperts(entry: TensorEntry, columns: ColumnPart, checkpoint: Pick<Checkpoint, "read">): readonly WeightPart[] {
  const [count = 0, rows = 0, width = 0] = entry.shape;
  const byteLength = entry.byteLength / count / columns.parts;
  return Array.from({ length: count }, (_, expert) => ({
    kind: "computed",
    byteLength,
    compute: async () => transposed(await checkpoint.read(entry.name, { part: expert, parts: count }), rows, width, columns),
  }));
}

/** Some columns of a matrix [rows, width] as rows. */
function transposed(bytes: Uint8Array, rows: number, width: number, { part, parts }: ColumnPart): Uint8Array {
  const patterns = bytes.byteLength === rows * width * 4 ? Uint32Array : Uint16Array;
  const stored = new patterns(bytes.slice().buffer);
  const taken = width / parts;
  const turned = new patterns(taken * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < taken; column++) turned[column * rows + row] = stored[row * width + part * taken + column]!;
  }
  return new Uint8Array(turned.buffer);
}
