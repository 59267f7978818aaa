import { InvalidArgumentError, PAGE_ROWS, type Resource, type ResourceSpec } from "@polywen/tensor";
import type { NativeAddon, NativeHandle } from "./addon-types.ts";
import { callNative } from "./native-error.ts";

/** Most elements of a resource. */
const MAX_ELEMENTS = 2 ** 32;

/** Pages or rows in native memory. Untouched pages take no physical memory. */
export class CpuResource implements Resource {
  readonly spec: ResourceSpec;
  readonly byteLength: number;
  readonly handle: NativeHandle;

  /** Throws `InvalidArgumentError` for a shape that is not one and `OutOfMemoryError`. */
  constructor(addon: NativeAddon, spec: ResourceSpec) {
    checkShape(spec);
    const { name, dtype, shape, paged } = spec;
    this.spec = spec;
    this.handle = callNative(`creating resource ${name}`, () => new addon.Resource({ name, dtype, shape, paged }));
    this.byteLength = this.handle.byteLength;
  }

  dispose(): void {
    this.handle.dispose();
  }
}

function checkShape({ shape, paged }: ResourceSpec): void {
  const elements = shape.reduce((product, length) => product * length, 1);
  const valid = shape.length > 0 && shape.every((length) => Number.isSafeInteger(length) && length > 0) && elements <= MAX_ELEMENTS;
  if (!valid) throw new InvalidArgumentError({ argument: "spec.shape", expected: "positive lengths of at most 2^32 elements", received: `[${shape}]` });
  if (paged && (shape.length !== 3 || shape[0]! % PAGE_ROWS !== 0)) {
    throw new InvalidArgumentError({ argument: "spec.shape", expected: `[a multiple of ${PAGE_ROWS} slots, heads, width]`, received: `[${shape}]` });
  }
}
