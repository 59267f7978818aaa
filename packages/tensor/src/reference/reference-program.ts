import { setImmediate } from "node:timers/promises";
import type { Bindings, CompiledProgram, RunOptions } from "../backend.ts";
import type { DType, TypedArrayOf } from "../dtype.ts";
import { BusyError, DisposedError } from "../errors/errors.ts";
import { throwIfAborted } from "../errors/throw-if-aborted.ts";
import { findTensor } from "../find-tensor.ts";
import type { Program, TensorRole } from "../program.ts";
import type { Sizes } from "../shape.ts";
import { validateSizes } from "../validate-program.ts";
import { executeOperation } from "./execute-operation.ts";
import { ProgramMemory } from "./program-memory.ts";

/** How long a run may keep the event loop to itself, in milliseconds. */
const SLICE_MILLISECONDS = 10;

/** A program that runs operation by operation in plain TypeScript, in slices between turns of the event loop. */
export class ReferenceProgram implements CompiledProgram {
  readonly program: Program;
  readonly byteLength: number;
  readonly #lowered: Program;
  #memory: ProgramMemory | undefined;
  #running = false;

  /** `lowered` is `program` without fused operations. */
  constructor(program: Program, lowered: Program, bindings: Bindings) {
    this.program = program;
    this.#lowered = lowered;
    this.#memory = new ProgramMemory(lowered, bindings);
    this.byteLength = this.#memory.byteLength;
  }

  input<D extends DType>(name: string, dtype: D): TypedArrayOf<D> {
    return this.#buffer(name, "input", dtype);
  }

  output<D extends DType>(name: string, dtype: D): TypedArrayOf<D> {
    return this.#buffer(name, "output", dtype);
  }

  async run(sizes: Sizes, options: RunOptions = {}): Promise<void> {
    const memory = this.#usable();
    if (this.#running) throw new BusyError({ object: `program ${this.program.name}` });
    validateSizes(this.program, sizes);
    this.#running = true;
    try {
      memory.begin({ ...sizes });
      await this.#execute(memory, options.signal);
    } finally {
      this.#running = false;
    }
  }

  dispose(): void {
    this.#memory = undefined;
  }

  async #execute(memory: ProgramMemory, signal: AbortSignal | undefined): Promise<void> {
    let sliceEnd = await this.#beginSlice(signal);
    for (const operation of this.#lowered.operations) {
      for (const _ of executeOperation(operation, memory)) {
        if (performance.now() > sliceEnd) sliceEnd = await this.#beginSlice(signal);
      }
    }
  }

  /** Lets the event loop turn; returns when the slice that begins must end. Even a short run pauses once, so a loop of runs starves nobody. */
  async #beginSlice(signal: AbortSignal | undefined): Promise<number> {
    if (signal?.aborted !== true) await setImmediate();
    throwIfAborted(signal, `running ${this.program.name}`);
    this.#usable();
    return performance.now() + SLICE_MILLISECONDS;
  }

  #buffer<D extends DType>(name: string, role: TensorRole, dtype: D): TypedArrayOf<D> {
    const memory = this.#usable();
    return memory.buffer(findTensor(this.program, name, role, dtype).id) as TypedArrayOf<D>;
  }

  #usable(): ProgramMemory {
    if (this.#memory === undefined) throw new DisposedError({ object: `program ${this.program.name}` });
    return this.#memory;
  }
}
