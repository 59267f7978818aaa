import { availableParallelism, cpus } from "node:os";
import {
  DisposedError,
  InvalidArgumentError,
  lowerProgram,
  NotFoundError,
  validateProgram,
  type Backend,
  type Bindings,
  type CompiledProgram,
  type DeviceInfo,
  type LoadWeightsOptions,
  type OperationKind,
  type Program,
  type Resource,
  type ResourceSpec,
  type WeightData,
  type Weights,
} from "@polywen/tensor";
import type { Addon, NativeEngine, NativeHandle, NativeWeightSource } from "./addon-types.ts";
import { CpuProgram } from "./cpu-program.ts";
import { loadAddon } from "./load-addon.ts";
import { translateError } from "./native-error.ts";
import { withControl } from "./with-control.ts";

/** How often progress of loading is reported, in milliseconds. */
const PROGRESS_INTERVAL = 100;
const MAX_THREADS = 256;

/** Options of `createCpuBackend`. */
export interface CpuBackendOptions {
  /** Threads that compute. Default: all that the system offers. */
  readonly threads?: number;
}

/**
 * The native backend. `POLYWEN_CPU_ISA` (`generic`, `avx2`) forces an instruction tier.
 * Throws `BackendLoadError` if the addon cannot be loaded, `UnsupportedError` for a tier that is not there.
 */
export async function createCpuBackend(options: CpuBackendOptions = {}): Promise<Backend> {
  const threads = options.threads ?? Math.min(availableParallelism(), MAX_THREADS);
  if (!Number.isSafeInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new InvalidArgumentError({ argument: "threads", expected: `an integer from 1 to ${MAX_THREADS}`, received: threads });
  }
  const addon = loadAddon();
  try {
    return new CpuBackend(addon, new addon.Engine({ tier: process.env["POLYWEN_CPU_ISA"] ?? "", threads }), threads);
  } catch (error) {
    throw translateError(error, "Starting the cpu backend");
  }
}

class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly device: DeviceInfo;
  readonly #addon: Addon;
  readonly #engine: NativeEngine;
  #disposal: Promise<void> | undefined;

  constructor(addon: Addon, engine: NativeEngine, threads: number) {
    this.#addon = addon;
    this.#engine = engine;
    const model = cpus()[0]?.model.trim() ?? "unknown processor";
    this.device = { description: `${model}, ${engine.tier}`, tier: engine.tier, threads };
  }

  supports(_kind: OperationKind): boolean {
    return true;
  }

  async loadWeights(weights: ReadonlyMap<string, WeightData>, options: LoadWeightsOptions = {}): Promise<Weights> {
    this.#assertUsable();
    const sources = [...weights].map(([name, weight]) => sourceOf(name, weight));
    const total = [...weights.values()].reduce((sum, { location }) => sum + (location.kind === "file" ? location.byteLength : location.bytes.byteLength), 0);
    return withControl(this.#addon, "Loading weights", options.signal, async (control) => {
      const timer = setInterval(() => options.onProgress?.(control.done, total), PROGRESS_INTERVAL);
      try {
        return new CpuWeights(await this.#engine.loadWeights(sources, control));
      } finally {
        clearInterval(timer);
      }
    });
  }

  createResource(spec: ResourceSpec): Resource {
    this.#assertUsable();
    try {
      return new CpuResource(spec, new this.#addon.Resource(spec));
    } catch (error) {
      throw translateError(error, `Creating resource ${spec.name}`);
    }
  }

  compile(program: Program, bindings: Bindings): CompiledProgram {
    this.#assertUsable();
    validateProgram(program);
    const { weights, resources = {} } = bindings;
    if (!(weights instanceof CpuWeights)) throw new InvalidArgumentError({ argument: "bindings.weights", expected: "weights of the cpu backend", received: weights });
    return new CpuProgram(program, lowerProgram(program, (kind) => this.supports(kind)), {
      addon: this.#addon,
      engine: this.#engine,
      weights: weights.native,
      resource: (name) => {
        const resource = Object.hasOwn(resources, name) ? resources[name] : undefined;
        if (resource === undefined) throw new NotFoundError({ what: "resource", name, where: `the bindings of ${program.name}` });
        if (!(resource instanceof CpuResource)) throw new InvalidArgumentError({ argument: `resource ${name}`, expected: "a resource of the cpu backend", received: resource });
        return resource.native;
      },
    });
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#engine.close();
    return this.#disposal;
  }

  #assertUsable(): void {
    if (this.#disposal !== undefined) throw new DisposedError({ object: "the cpu backend" });
  }
}

class CpuWeights implements Weights {
  readonly native: NativeHandle;
  readonly byteLength: number;

  constructor(native: NativeHandle) {
    this.native = native;
    this.byteLength = native.byteLength;
  }

  dispose(): void {
    this.native.dispose();
  }
}

class CpuResource implements Resource {
  readonly spec: ResourceSpec;
  readonly native: NativeHandle;
  readonly byteLength: number;

  constructor(spec: ResourceSpec, native: NativeHandle) {
    this.spec = spec;
    this.native = native;
    this.byteLength = native.byteLength;
  }

  dispose(): void {
    this.native.dispose();
  }
}

function sourceOf(name: string, { dtype, shape, location }: WeightData): NativeWeightSource {
  const common = { name, dtype, shape };
  return location.kind === "bytes" ? { ...common, bytes: location.bytes } : { ...common, file: location.file, offset: location.offset };
}
