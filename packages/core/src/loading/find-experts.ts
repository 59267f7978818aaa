import type { Checkpoint, TensorEntry } from "@polywen/formats";
import type { WeightPart } from "@polywen/tensor";
import { transposedExperts } from "./transposed-experts.ts";

/** A stack of matrices in a checkpoint. */
export interface StoredExperts {
  /** One entry of each tensor that the stack lies in, with the shape it must have. */
  readonly entries: readonly { readonly entry: TensorEntry; readonly shape: readonly number[] }[];
  /** The matrices in order. */
  readonly parts: readonly WeightPart[];
}

/**
 * Finds the weight `….experts.gate_proj.weight` of shape [experts, out, in] in one of the ways in which files keep it:
 * whole, as one tensor for each expert (`….experts.3.gate_proj.weight`), or, as transformers 5 may save it, in
 * `….experts.gate_up_proj` [experts, 2 × out, in] and `….experts.down_proj`; with `transposed`, as Qwen3-VL-MoE was published, these two
 * are [experts, in, 2 × out] and [experts, in, out]. Undefined if it is there in none of them.
 */
export function findExperts(
  names: readonly string[],
  [count, out, width]: readonly [number, number, number],
  checkpoint: Pick<Checkpoint, "tensors" | "entry" | "read">,
  transposed = false,
): StoredExperts | undefined {
  for (const name of names) {
    const whole = checkpoint.tensors.get(name);
    // A single expert may also be stored as the matrix that it is.
    if (whole !== undefined) return { entries: [{ entry: whole, shape: count === 1 && whole.shape.length === 2 ? [out, width] : [count, out, width] }], parts: cut(whole, count) };
    const { before, projection } = /^(?<before>.*\.experts)\.(?<projection>\w+)\.weight$/.exec(name)?.groups ?? {};
    if (before === undefined || projection === undefined) continue;
    if (checkpoint.tensors.has(`${before}.0.${projection}.weight`)) {
      const entries = Array.from({ length: count }, (_, expert) => ({ entry: checkpoint.entry(`${before}.${expert}.${projection}.weight`), shape: [out, width] }));
      return { entries, parts: entries.flatMap(({ entry }) => cut(entry, 1)) };
    }
    const down = checkpoint.tensors.get(`${before}.down_proj`);
    const pair = checkpoint.tensors.get(`${before}.gate_up_proj`);
    const fused = projection === "down_proj" ? down : pair;
    if (transposed && fused !== undefined) {
      const columns = projection === "down_proj" ? { part: 0, parts: 1 } : { part: projection === "gate_proj" ? 0 : 1, parts: 2 };
      return { entries: [{ entry: fused, shape: [count, width, columns.parts * out] }], parts: transposedExperts(fused, columns, checkpoint) };
    }
    if (projection === "down_proj" && down !== undefined) return { entries: [{ entry: down, shape: [count, out, width] }], parts: cut(down, count) };
    if (projection !== "down_proj" && pair !== undefined) {
      const half = projection === "gate_proj" ? 0 : 1;
      return { entries: [{ entry: pair, shape: [count, 2 * out, width] }], parts: cut(pair, 2 * count).filter((_, index) => index % 2 === half) };
    }
  }
  return undefined;
}

/** Where the bytes of a whole tensor are. */
export function partOf({ file, offset, byteLength, compute }: TensorEntry): WeightPart {
  return compute === undefined ? { kind: "file", file, offset, byteLength } : { kind: "computed", byteLength, compute };
}

/** Equal ranges of a tensor; their lengths are whole once its shape has been checked. */
function cut(entry: TensorEntry, count: number): readonly WeightPart[] {
  if (count === 1) return [partOf(entry)];
  const { file, offset, byteLength } = entry;
  const length = byteLength / count;
  return Array.from({ length: count }, (_, index) => ({ kind: "file", file, offset: offset + index * length, byteLength: length }));
}
