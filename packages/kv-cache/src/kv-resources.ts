import { PAGE_ROWS, type ResourceSpec } from "@polywen/tensor";

/** Precision of cached keys and values: `f32` is exact, `bf16` takes half the memory. */
export type KvDType = "f32" | "bf16";

/** The shape of a model's cache. */
export interface KvShape {
  readonly layers: number;
  /** Key and value heads of a layer. */
  readonly heads: number;
  /** Width of a head. */
  readonly width: number;
  readonly dtype: KvDType;
}

/** Names of a layer's two resources in programs and bindings. */
export function kvNames(layer: number): { readonly keys: string; readonly values: string } {
  return { keys: `kv.${layer}.keys`, values: `kv.${layer}.values` };
}

/** The resources of a cache of `pages` pages: keys and values of each layer. */
export function kvResourceSpecs(shape: KvShape, pages: number): readonly ResourceSpec[] {
  return Array.from({ length: shape.layers }, (_, layer) => kvNames(layer)).flatMap(({ keys, values }) =>
    [keys, values].map((name) => ({ name, dtype: shape.dtype, shape: [pages * PAGE_ROWS, shape.heads, shape.width], paged: true })),
  );
}

/** Bytes of one cached position over all layers. */
export function kvBytesPerRow(shape: KvShape): number {
  return shape.layers * 2 * shape.heads * shape.width * (shape.dtype === "f32" ? 4 : 2);
}
