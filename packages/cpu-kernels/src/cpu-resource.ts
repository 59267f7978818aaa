import { validateResourceSpec, type Resource, type ResourceSpec } from "@polywen/tensor";
import type { NativeAddon, NativeHandle } from "./addon-types.ts";
import { callNative } from "./native-error.ts";

/** Pages or rows in native memory. Untouched pages take no physical memory. */
export class CpuResource implements Resource {
  readonly spec: ResourceSpec;
  readonly byteLength: number;
  readonly handle: NativeHandle;

  /** Throws `InvalidArgumentError` for a shape that is not one and `OutOfMemoryError`. */
  constructor(addon: NativeAddon, spec: ResourceSpec) {
    validateResourceSpec(spec);
    const { name, dtype, shape, paged } = spec;
    this.spec = spec;
    this.handle = callNative(`creating resource ${name}`, () => new addon.Resource({ name, dtype, shape, paged }));
    this.byteLength = this.handle.byteLength;
  }

  dispose(): void {
    this.handle.dispose();
  }
}
