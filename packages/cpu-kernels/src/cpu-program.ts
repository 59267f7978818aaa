import {
  BusyError,
  capacitiesOf,
  createTypedArray,
  DisposedError,
  elementCount,
  InvalidArgumentError,
  NotFoundError,
  planProgram,
  validateSizes,
  type CompiledProgram,
  type DType,
  type LongCallOptions,
  type Program,
  type Sizes,
  type TensorRole,
  type TensorSpec,
  type TypedArrayOf,
} from "@polywen/tensor";
import type { Addon, NativeEngine, NativeHandle, NativeProgram, NativeTensor } from "./addon-types.ts";
import { translateError } from "./native-error.ts";
import { withControl } from "./with-control.ts";

/** What a program is bound to. */
export interface CpuBindings {
  readonly addon: Addon;
  readonly engine: NativeEngine;
  readonly weights: NativeHandle;
  /** By name of the resource. */
  readonly resource: (name: string) => NativeHandle;
}

/** A program compiled by the addon, and the buffers that both sides share. */
export class CpuProgram implements CompiledProgram {
  readonly program: Program;
  readonly byteLength: number;
  readonly #addon: Addon;
  readonly #engine: NativeEngine;
  readonly #buffers: ReadonlyMap<string, TypedArrayOf<DType>>;
  #native: NativeProgram | undefined;
  #running = false;

  /** `lowered` is `program` with the fused operations rewritten that the backend lacks. */
  constructor(program: Program, lowered: Program, bindings: CpuBindings) {
    this.program = program;
    this.#addon = bindings.addon;
    this.#engine = bindings.engine;
    this.#buffers = createBuffers(program);
    try {
      this.#native = compile(lowered, bindings, this.#buffers);
    } catch (error) {
      throw translateError(error, `Compiling ${program.name}`);
    }
    const shared = [...this.#buffers.values()].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    this.byteLength = this.#native.arenaByteLength + shared;
  }

  input<D extends DType>(name: string, dtype: D): TypedArrayOf<D> {
    return this.#buffer(name, "input", dtype);
  }

  output<D extends DType>(name: string, dtype: D): TypedArrayOf<D> {
    return this.#buffer(name, "output", dtype);
  }

  async run(sizes: Sizes, options: LongCallOptions = {}): Promise<void> {
    const native = this.#usable();
    if (this.#running) throw new BusyError({ object: `program ${this.program.name}` });
    validateSizes(this.program, sizes);
    this.#running = true;
    try {
      const list = this.program.dimensions.map(({ name }) => sizes[name]!);
      await withControl(this.#addon, `running ${this.program.name}`, options.signal, (control) => this.#engine.run(native, list, control));
    } finally {
      this.#running = false;
    }
  }

  dispose(): void {
    this.#native?.dispose();
    this.#native = undefined;
  }

  #buffer<D extends DType>(name: string, role: TensorRole, dtype: D): TypedArrayOf<D> {
    this.#usable();
    const tensor = this.program.tensors.find((candidate) => candidate.name === name && candidate.role === role);
    if (tensor === undefined) throw new NotFoundError({ what: role, name, where: `program ${this.program.name}` });
    if (tensor.dtype !== dtype) throw new InvalidArgumentError({ argument: `dtype of ${role} ${name}`, expected: tensor.dtype, received: dtype });
    return this.#buffers.get(name) as TypedArrayOf<D>;
  }

  #usable(): NativeProgram {
    if (this.#native === undefined) throw new DisposedError({ object: `program ${this.program.name}` });
    return this.#native;
  }
}

/** Inputs and outputs at full capacity. */
function createBuffers(program: Program): ReadonlyMap<string, TypedArrayOf<DType>> {
  const capacities = capacitiesOf(program);
  const shared = program.tensors.filter(({ role }) => role === "input" || role === "output");
  return new Map(shared.map(({ name, dtype, shape }) => [name, createTypedArray(dtype, Math.ceil(elementCount(shape, capacities)))]));
}

function compile(lowered: Program, { addon, weights, resource }: CpuBindings, buffers: ReadonlyMap<string, TypedArrayOf<DType>>): NativeProgram {
  const plan = planProgram(lowered);
  const dimensions = lowered.dimensions.map(({ name }) => name);
  const tensors = lowered.tensors.map((tensor): NativeTensor => {
    const buffer = buffers.get(tensor.name)?.buffer as ArrayBuffer | undefined;
    return {
      name: tensor.name,
      dtype: tensor.dtype,
      role: tensor.role,
      rows: rowsOf(tensor, dimensions),
      axes: tensor.shape.slice(1) as number[],
      alias: plan.offsets.has(tensor.id) ? -1 : (plan.aliases.get(tensor.id) ?? -1),
      offset: plan.offsets.get(tensor.id) ?? -1,
      ...(buffer === undefined ? {} : { buffer }),
    };
  });
  return new addon.Program({
    name: lowered.name,
    capacities: lowered.dimensions.map(({ capacity }) => capacity),
    tensors,
    operations: lowered.operations,
    arenaByteLength: plan.arenaByteLength,
    weights,
    resources: lowered.tensors.filter(({ role }) => role === "resource").map(({ id, name }) => ({ tensor: id, resource: resource(name) })),
  });
}

/** The first axis; a scalar has one row. */
function rowsOf({ shape }: TensorSpec, dimensions: readonly string[]): NativeTensor["rows"] {
  const first = shape[0] ?? 1;
  if (typeof first === "number") return { dimension: -1, multiply: first, divide: 1 };
  return { dimension: dimensions.indexOf(first.dimension), multiply: first.multiply, divide: first.divide };
}
