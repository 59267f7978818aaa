import type { Bindings } from "../backend.ts";
import { byteLengthOf, type DType, type TypedArrayOf } from "../dtype.ts";
import { IndexOutOfRangeError, InvalidArgumentError, NotFoundError } from "../errors/errors.ts";
import type { OperationKind, TensorId } from "../operations.ts";
import { planProgram } from "../plan-program.ts";
import type { Program, TensorSpec } from "../program.ts";
import { elementCount, formatShape, resolveExtent, type Sizes } from "../shape.ts";
import { capacitiesOf } from "../validate-program.ts";
import { allocate } from "./allocate.ts";
import { ReferenceResource } from "./reference-resource.ts";
import { ReferenceWeights } from "./reference-weights.ts";

type AnyArray = TypedArrayOf<DType>;

/**
 * The tensors of a compiled program as arrays. Everything is allocated once, at full capacity: temporaries in one
 * arena that the planner laid out, inputs and outputs beside it. During a run the accessors return the valid part.
 */
export class ProgramMemory {
  readonly byteLength: number;
  readonly #program: Program;
  readonly #weights: ReferenceWeights;
  readonly #buffers = new Map<TensorId, AnyArray>();
  readonly #resources = new Map<TensorId, ReferenceResource>();
  #sizes: Sizes;

  constructor(program: Program, bindings: Bindings) {
    this.#program = program;
    this.#sizes = capacitiesOf(program);
    this.#weights = ownWeights(bindings);
    const { offsets, aliases, arenaByteLength } = planProgram(program);
    const arena = allocate(`arena of ${program.name}`, "f32", arenaByteLength / 4).buffer;
    let byteLength = arenaByteLength;
    for (const tensor of program.tensors) {
      if (tensor.role === "weight") this.#bindWeight(tensor);
      else if (tensor.role === "resource") this.#resources.set(tensor.id, boundResource(tensor, bindings));
      else if (tensor.role !== "temporary") {
        const buffer = allocate(`${tensor.role} ${tensor.name}`, tensor.dtype, this.#capacityOf(tensor));
        this.#buffers.set(tensor.id, buffer);
        byteLength += buffer.byteLength;
      }
    }
    for (const [id, offset] of offsets) this.#buffers.set(id, this.#viewOf(program.tensors[id]!, arena, offset));
    for (const [id, root] of aliases) {
      const owner = this.#buffers.get(root);
      if (!offsets.has(id) && owner !== undefined) this.#buffers.set(id, owner);
    }
    this.byteLength = byteLength;
  }

  /** Sets the sizes of the run that begins. Throws `DisposedError` if a weight or resource is gone. */
  begin(sizes: Sizes): void {
    this.#sizes = sizes;
    this.#weights.assertUsable();
    for (const resource of this.#resources.values()) resource.assertUsable();
  }

  /** The buffer of a tensor at full capacity. */
  buffer(id: TensorId): AnyArray {
    return this.#buffers.get(id)!;
  }

  /** The valid part of an f32 tensor. */
  floats(id: TensorId): Float32Array {
    return this.#valid(id) as Float32Array;
  }

  /** The valid part of an i32 tensor. */
  integers(id: TensorId): Int32Array {
    return this.#valid(id) as Int32Array;
  }

  /** The valid part of a u32 tensor. */
  words(id: TensorId): Uint32Array {
    return this.#valid(id) as Uint32Array;
  }

  /** Whether a tensor is a resource. */
  hasResource(id: TensorId): boolean {
    return this.#resources.has(id);
  }

  /** The resource bound to a tensor. */
  resource(id: TensorId): ReferenceResource {
    return this.#resources.get(id)!;
  }

  /** Axis lengths under the sizes of this run. */
  shape(id: TensorId): readonly number[] {
    return this.#program.tensors[id]!.shape.map((extent) => resolveExtent(extent, this.#sizes));
  }

  /** Length of the first axis, which is the number of rows. */
  rows(id: TensorId): number {
    return this.shape(id)[0]!;
  }

  /** Length of the last axis. */
  width(id: TensorId): number {
    return this.shape(id).at(-1)!;
  }

  /** The name of a tensor, for messages. */
  name(id: TensorId): string {
    return this.#program.tensors[id]!.name;
  }

  /** Returns `value` if it is an index below `limit`; throws `IndexOutOfRangeError` otherwise. */
  index(operation: OperationKind, id: TensorId, row: number, value: number, limit: number): number {
    if (value >= 0 && value < limit) return value;
    throw new IndexOutOfRangeError({ operation, tensor: this.name(id), row, value, limit });
  }

  /** Row `row` of a tensor of spans as `[begin, end]` with `0 <= begin <= end <= limit`; throws `IndexOutOfRangeError`. */
  span(operation: OperationKind, id: TensorId, row: number, limit: number): readonly [begin: number, end: number] {
    const spans = this.integers(id);
    const end = this.index(operation, id, row, spans[2 * row + 1]!, limit + 1);
    return [this.index(operation, id, row, spans[2 * row]!, end + 1), end];
  }

  #valid(id: TensorId): AnyArray {
    const { shape } = this.#program.tensors[id]!;
    return this.#buffers.get(id)!.subarray(0, elementCount(shape, this.#sizes));
  }

  #capacityOf(tensor: TensorSpec): number {
    return Math.floor(elementCount(tensor.shape, capacitiesOf(this.#program)));
  }

  #viewOf(tensor: TensorSpec, arena: ArrayBufferLike, offset: number): AnyArray {
    const length = this.#capacityOf(tensor);
    if (tensor.dtype === "f32") return new Float32Array(arena, offset, length);
    if (tensor.dtype === "i32") return new Int32Array(arena, offset, length);
    if (tensor.dtype === "u32") return new Uint32Array(arena, offset, length);
    return new Uint16Array(arena, offset, length * (byteLengthOf("bf16") / 2));
  }

  #bindWeight(tensor: TensorSpec): void {
    const weight = this.#weights.get(tensor.name);
    expectShape(`weight ${tensor.name}`, tensor, weight.shape);
    this.#buffers.set(tensor.id, weight.values);
  }
}

function ownWeights({ weights }: Bindings): ReferenceWeights {
  if (weights instanceof ReferenceWeights) return weights;
  throw new InvalidArgumentError({ argument: "bindings.weights", expected: "weights of the reference backend", received: weights });
}

function boundResource(tensor: TensorSpec, { resources = {} }: Bindings): ReferenceResource {
  const resource = Object.hasOwn(resources, tensor.name) ? resources[tensor.name] : undefined;
  if (resource === undefined) throw new NotFoundError({ what: "resource", name: tensor.name, where: "bindings.resources" });
  if (!(resource instanceof ReferenceResource)) {
    throw new InvalidArgumentError({ argument: `resource ${tensor.name}`, expected: "a resource of the reference backend", received: resource });
  }
  resource.assertUsable();
  expectShape(`resource ${tensor.name}`, tensor, resource.spec.shape);
  if (resource.spec.dtype !== tensor.dtype) {
    throw new InvalidArgumentError({ argument: `dtype of resource ${tensor.name}`, expected: tensor.dtype, received: resource.spec.dtype });
  }
  return resource;
}

function expectShape(what: string, tensor: TensorSpec, received: readonly number[]): void {
  const equal = tensor.shape.length === received.length && tensor.shape.every((extent, axis) => extent === received[axis]);
  if (!equal) throw new InvalidArgumentError({ argument: `shape of ${what}`, expected: formatShape(tensor.shape), received: `[${received.join(", ")}]` });
}
