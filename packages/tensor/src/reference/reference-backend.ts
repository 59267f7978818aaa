import type { Backend, Bindings, CompiledProgram, DeviceInfo, LoadWeightsOptions, Resource, ResourceSpec, WeightData, Weights } from "../backend.ts";
import { DisposedError } from "../errors/errors.ts";
import { lowerProgram, OPTIONAL_OPERATIONS } from "../lower-program.ts";
import type { OperationKind } from "../operations.ts";
import type { Program } from "../program.ts";
import { validateProgram } from "../validate-program.ts";
import { validatePaging } from "../validate-resource.ts";
import { ReferenceProgram } from "./reference-program.ts";
import { ReferenceResource } from "./reference-resource.ts";
import { loadReferenceWeights } from "./reference-weights.ts";

/**
 * The backend in plain TypeScript: float64 accumulation, written to be read, the truth that the fast backends are
 * compared with. It runs wherever Node runs, on the calling thread in slices of about 10 ms.
 */
export function createReferenceBackend(): Backend {
  return new ReferenceBackend();
}

class ReferenceBackend implements Backend {
  readonly name = "reference";
  readonly device: DeviceInfo = { description: "plain TypeScript", tier: "reference", threads: 1 };
  #disposed = false;

  supports(kind: OperationKind): boolean {
    return !OPTIONAL_OPERATIONS.includes(kind);
  }

  async loadWeights(weights: ReadonlyMap<string, WeightData>, options?: LoadWeightsOptions): Promise<Weights> {
    this.#assertUsable();
    return loadReferenceWeights(weights, options);
  }

  weightByteLength({ shape }: Pick<WeightData, "shape">): number {
    return shape.reduce((product, length) => product * length, Float32Array.BYTES_PER_ELEMENT);
  }

  createResource(spec: ResourceSpec): Resource {
    this.#assertUsable();
    return new ReferenceResource(spec);
  }

  compile(program: Program, bindings: Bindings): CompiledProgram {
    this.#assertUsable();
    validateProgram(program);
    validatePaging(program, bindings.resources ?? {});
    return new ReferenceProgram(program, lowerProgram(program, (kind) => this.supports(kind)), bindings);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
  }

  #assertUsable(): void {
    if (this.#disposed) throw new DisposedError({ object: "the reference backend" });
  }
}
