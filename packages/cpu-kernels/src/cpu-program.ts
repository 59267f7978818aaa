import { markAsUntransferable } from "node:worker_threads";
import {
  BusyError,
  byteLengthOf,
  capacitiesOf,
  DisposedError,
  elementCount,
  findTensor,
  OutOfMemoryError,
  validateSizes,
  type Bindings,
  type CompiledProgram,
  type DType,
  type Program,
  type RunOptions,
  type Sizes,
  type TensorId,
  type TensorRole,
  type TypedArrayOf,
} from "@polywen/tensor";
import type { NativeAddon, NativeControl, NativeEngine, NativeProgram } from "./addon-types.ts";
import { withControl } from "./with-control.ts";

const arrays = { f32: Float32Array, i32: Int32Array, u32: Uint32Array, bf16: Uint16Array } as const;

/** Makes a native program whose inputs and outputs have the given memory. */
export type NativeCompiler = (buffers: ReadonlyMap<TensorId, ArrayBuffer>) => NativeProgram;

/** A program that native code runs on the engine's threads. */
export class CpuProgram implements CompiledProgram {
  readonly program: Program;
  readonly byteLength: number;
  /** Kept, because native code does not own what a program is bound to: unreachable weights would be collected under it. */
  readonly bindings: Bindings;
  readonly #addon: NativeAddon;
  readonly #engine: NativeEngine;
  readonly #buffers: ReadonlyMap<TensorId, ArrayBuffer>;
  #native: NativeProgram | undefined;
  #control: NativeControl | undefined;
  #running = false;

  constructor(addon: NativeAddon, engine: NativeEngine, program: Program, bindings: Bindings, compile: NativeCompiler) {
    this.program = program;
    this.bindings = bindings;
    this.#addon = addon;
    this.#engine = engine;
    this.#buffers = allocateBuffers(program);
    this.#native = compile(this.#buffers);
    this.byteLength = [...this.#buffers.values()].reduce((sum, { byteLength }) => sum + byteLength, this.#native.arenaByteLength);
  }

  input<D extends DType>(name: string, dtype: D): TypedArrayOf<D> {
    return this.#view(name, "input", dtype);
  }

  output<D extends DType>(name: string, dtype: D): TypedArrayOf<D> {
    return this.#view(name, "output", dtype);
  }

  async run(sizes: Sizes, { signal, background = false }: RunOptions = {}): Promise<void> {
    const native = this.#usable();
    if (this.#running) throw new BusyError({ object: `program ${this.program.name}` });
    validateSizes(this.program, sizes);
    const list = this.program.dimensions.map(({ name }) => sizes[name]!);
    this.#running = true;
    try {
      await withControl(this.#addon, `running ${this.program.name}`, signal, (control) => {
        this.#control = control;
        return this.#engine.run(native, list, control, background);
      });
    } catch (error) {
      if (signal?.aborted !== true) this.#usable();
      throw error;
    } finally {
      this.#running = false;
    }
  }

  /** A run that is under way stops soon and rejects with `DisposedError`. */
  dispose(): void {
    this.#control?.abort();
    this.#native?.dispose();
    this.#native = undefined;
  }

  #view<D extends DType>(name: string, role: TensorRole, dtype: D): TypedArrayOf<D> {
    this.#usable();
    return new arrays[dtype](this.#buffers.get(findTensor(this.program, name, role, dtype).id)!) as TypedArrayOf<D>;
  }

  #usable(): NativeProgram {
    if (this.#native === undefined) throw new DisposedError({ object: `program ${this.program.name}` });
    return this.#native;
  }
}

/** Memory of inputs and outputs at full capacity. Native code points into it, so it must stay where it is. */
function allocateBuffers(program: Program): ReadonlyMap<TensorId, ArrayBuffer> {
  const buffers = new Map<TensorId, ArrayBuffer>();
  for (const { id, name, role, shape, dtype } of program.tensors) {
    if (role !== "input" && role !== "output") continue;
    const byteLength = Math.floor(elementCount(shape, capacitiesOf(program))) * byteLengthOf(dtype);
    const buffer = allocate(`${role} ${name}`, byteLength);
    markAsUntransferable(buffer);
    buffers.set(id, buffer);
  }
  return buffers;
}

function allocate(what: string, byteLength: number): ArrayBuffer {
  try {
    return new ArrayBuffer(byteLength);
  } catch (cause) {
    throw new OutOfMemoryError({ what, requested: byteLength }, { cause });
  }
}
