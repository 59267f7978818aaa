/**
 * One axis of a shape: a fixed length, or a symbolic dimension times `multiply` divided by `divide`.
 * Only the first axis of a tensor may be symbolic, so the valid part of a buffer is always a prefix of it.
 */
export type Extent = number | SymbolicExtent;

/** A multiple or a fraction of a symbolic dimension, for instance `patches / 4` after a merger of 2 × 2 patches. */
export interface SymbolicExtent {
  readonly dimension: string;
  readonly multiply: number;
  readonly divide: number;
}

/** A symbolic dimension: its size is given with every run and never exceeds `capacity`. */
export interface Dimension {
  readonly name: string;
  readonly capacity: number;
}

/** Axis lengths, outermost first. */
export type Shape = readonly Extent[];

/** The sizes of a run: one entry per symbolic dimension. */
export type Sizes = Readonly<Record<string, number>>;

/** `extent × factor`. */
export function times(extent: Extent, factor: number): Extent {
  return typeof extent === "number" ? extent * factor : reduce({ ...extent, multiply: extent.multiply * factor });
}

/** `extent ÷ divisor`; a run whose size does not divide is refused. */
export function dividedBy(extent: Extent, divisor: number): Extent {
  return typeof extent === "number" ? extent / divisor : reduce({ ...extent, divide: extent.divide * divisor });
}

/** The length of an axis under given sizes; a fraction if the size does not divide. */
export function resolveExtent(extent: Extent, sizes: Sizes): number {
  return typeof extent === "number" ? extent : ((sizes[extent.dimension] ?? NaN) * extent.multiply) / extent.divide;
}

/** Number of elements of a shape under given sizes. */
export function elementCount(shape: Shape, sizes: Sizes): number {
  return shape.reduce<number>((product, extent) => product * resolveExtent(extent, sizes), 1);
}

/** True when both axes have the same length under all sizes. */
export function sameExtent(left: Extent, right: Extent): boolean {
  if (typeof left === "number" || typeof right === "number") return left === right;
  return left.dimension === right.dimension && left.multiply === right.multiply && left.divide === right.divide;
}

/** True when both shapes are equal under all sizes. */
export function sameShape(left: Shape, right: Shape): boolean {
  return left.length === right.length && left.every((extent, axis) => sameExtent(extent, right[axis]!));
}

/** The product of all axes as one extent, or undefined if two of them are symbolic. */
export function flatExtent(shape: Shape): Extent | undefined {
  let product: Extent = 1;
  for (const extent of shape) {
    if (typeof extent === "number") product = times(product, extent);
    else if (typeof product === "number") product = times(extent, product);
    else return undefined;
  }
  return product;
}

/** A shape for messages: `[rows, 14, 64]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.map(formatExtent).join(", ")}]`;
}

function formatExtent(extent: Extent): string {
  if (typeof extent === "number") return String(extent);
  const factor = extent.multiply === 1 ? "" : `*${extent.multiply}`;
  const divisor = extent.divide === 1 ? "" : `/${extent.divide}`;
  return `${extent.dimension}${factor}${divisor}`;
}

function reduce(extent: SymbolicExtent): SymbolicExtent {
  const divisor = greatestCommonDivisor(extent.multiply, extent.divide);
  return { dimension: extent.dimension, multiply: extent.multiply / divisor, divide: extent.divide / divisor };
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}
