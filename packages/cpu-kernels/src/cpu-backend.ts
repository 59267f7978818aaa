import { availableParallelism, cpus } from "node:os";
import {
  DisposedError,
  InvalidArgumentError,
  lowerProgram,
  validatePaging,
  validateProgram,
  type Backend,
  type Bindings,
  type CompiledProgram,
  type DeviceInfo,
  type DeviceSpeed,
  type LoadWeightsOptions,
  type LongCallOptions,
  type OperationKind,
  type Program,
  type Resource,
  type ResourceSpec,
  type WeightData,
  type Weights,
} from "@polywen/tensor";
import type { NativeAddon, NativeEngine } from "./addon-types.ts";
import { CpuProgram } from "./cpu-program.ts";
import { CpuResource } from "./cpu-resource.ts";
import { loadCpuWeights } from "./cpu-weights.ts";
import { loadAddon } from "./load-addon.ts";
import { callNative } from "./native-error.ts";
import { programParts } from "./program-parts.ts";
import { withControl } from "./with-control.ts";

/** Options of `createCpuBackend`. */
export interface CpuBackendOptions {
  /** Threads that compute, from 1 to 256. Default: all cores that this process may use. No result depends on it. */
  readonly threads?: number | undefined;
  /**
   * How inputs meet block-quantised weights: rounded to `int8` in groups of 32 (default), or as `f32`, which is exact
   * and slower.
   */
  readonly activations?: "int8" | "f32" | undefined;
}

const MAX_THREADS = 256;

/**
 * The native CPU backend. It uses the best instruction tier of the machine, or the one that POLYWEN_CPU_ISA names
 * (`generic`, `avx2`, `avx512`). Throws `BackendLoadError` where the addon cannot be loaded, `UnsupportedError` for a tier
 * that is not there, `OutOfMemoryError` where threads cannot be had.
 */
export async function createCpuBackend(options: CpuBackendOptions = {}): Promise<Backend> {
  const threads = options.threads ?? Math.min(availableParallelism(), MAX_THREADS);
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new InvalidArgumentError({ argument: "threads", expected: `an integer from 1 to ${MAX_THREADS}`, received: threads });
  }
  const { activations = "int8" } = options;
  if (activations !== "int8" && activations !== "f32") throw new InvalidArgumentError({ argument: "activations", expected: '"int8" or "f32"', received: activations });
  const addon = loadAddon();
  const tier = process.env["POLYWEN_CPU_ISA"] ?? "";
  return new CpuBackend(addon, callNative("starting the cpu backend", () => new addon.Engine({ tier, threads, activations })), threads);
}

class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly device: DeviceInfo;
  readonly #addon: NativeAddon;
  readonly #engine: NativeEngine;
  #closed: Promise<void> | undefined;

  constructor(addon: NativeAddon, engine: NativeEngine, threads: number) {
    const { tier } = engine;
    this.#addon = addon;
    this.#engine = engine;
    this.device = { description: `${cpus()[0]?.model.trim() ?? "CPU"}, ${tier}`, tier, threads };
  }

  /** All operations, the fused ones among them. */
  supports(_kind: OperationKind): boolean {
    return true;
  }

  async loadWeights(weights: ReadonlyMap<string, WeightData>, options?: LoadWeightsOptions): Promise<Weights> {
    this.#assertUsable();
    return loadCpuWeights(this.#addon, this.#engine, weights, options);
  }

  /** The matrices of a stack are weights of their own. */
  weightByteLength({ dtype, shape }: Pick<WeightData, "dtype" | "shape">): number {
    const [count, layout] = shape.length === 3 ? [shape[0]!, shape.slice(1)] : [1, shape];
    return count * this.#addon.weightBytes({ dtype, shape: layout });
  }

  createResource(spec: ResourceSpec): Resource {
    this.#assertUsable();
    return new CpuResource(this.#addon, spec);
  }

  compile(program: Program, bindings: Bindings): CompiledProgram {
    this.#assertUsable();
    validateProgram(program);
    validatePaging(program, bindings.resources ?? {});
    const lowered = lowerProgram(program, (kind) => this.supports(kind));
    return new CpuProgram(this.#addon, this.#engine, program, bindings, (buffers) => {
      const parts = programParts(lowered, bindings, buffers);
      return callNative(`compiling ${program.name}`, () => new this.#addon.Program(parts));
    });
  }

  async measureSpeed({ signal }: LongCallOptions = {}): Promise<DeviceSpeed> {
    this.#assertUsable();
    return withControl(this.#addon, "measuring the machine", signal, (control) => this.#engine.measureSpeed(control));
  }

  /** Aborts what is running and ends the threads. Programs cannot run afterwards. */
  dispose(): Promise<void> {
    this.#closed ??= this.#engine.close();
    return this.#closed;
  }

  #assertUsable(): void {
    if (this.#closed !== undefined) throw new DisposedError({ object: "the cpu backend" });
  }
}
