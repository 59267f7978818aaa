import { checkOperation } from "./check-operation.ts";
import { InvalidProgramError } from "./errors/errors.ts";
import { operandsOf } from "./operands.ts";
import type { TensorId } from "./operations.ts";
import type { Program, TensorSpec } from "./program.ts";
import { formatShape, resolveExtent, sameShape, type Sizes } from "./shape.ts";

/** Most elements that a tensor may have at full capacity: 2³¹ - 1, so that kernels may index with 32 bits. */
const MAX_ELEMENTS = 2 ** 31 - 1;

/** Checks a program from anywhere: shapes, roles, single assignment, order. Throws `InvalidProgramError`. */
export function validateProgram(program: Program): void {
  checkNames(program);
  program.tensors.forEach((tensor, index) => checkTensor(program, tensor, index));
  const written = new Set(program.tensors.filter((tensor) => isDeclared(tensor)).map((tensor) => tensor.id));
  const lookup = (id: TensorId): TensorSpec => program.tensors[id] ?? fail(program, undefined, `tensor ${id} does not exist`);
  for (const operation of program.operations) {
    const { reads, writes } = operandsOf(operation);
    for (const id of reads) if (!written.has(id)) fail(program, lookup(id), `is read by ${operation.kind} before it is written`);
    const outputs = checkOperation(operation, lookup, program.name);
    outputs.forEach((output, index) => {
      const tensor = lookup(writes[index]!);
      if (written.has(tensor.id)) fail(program, tensor, "is written twice");
      if (tensor.dtype !== output.dtype || !sameShape(tensor.shape, output.shape)) {
        fail(program, tensor, `is declared ${formatShape(tensor.shape)} but ${operation.kind} makes ${formatShape(output.shape)}`);
      }
      written.add(tensor.id);
    });
  }
  for (const tensor of program.tensors) if (tensor.role === "output" && !written.has(tensor.id)) fail(program, tensor, "is never written");
}

/** Checks the sizes of a run against the declared dimensions. Throws `InvalidProgramError`. */
export function validateSizes(program: Program, sizes: Sizes): void {
  for (const { name, capacity } of program.dimensions) {
    const size = sizes[name];
    if (size === undefined || !Number.isInteger(size) || size < 0 || size > capacity) {
      fail(program, undefined, `size ${size} of dimension ${name} is not an integer from 0 to ${capacity}`);
    }
  }
  for (const tensor of program.tensors) {
    if (!tensor.shape.every((extent) => Number.isInteger(resolveExtent(extent, sizes)))) {
      fail(program, tensor, `has the fractional shape ${formatShape(tensor.shape)} under the sizes of this run`);
    }
  }
}

/** The sizes at full capacity. */
export function capacitiesOf(program: Program): Sizes {
  return Object.fromEntries(program.dimensions.map(({ name, capacity }) => [name, capacity]));
}

/** Names and capacities of dimensions, names of tensors. */
function checkNames(program: Program): void {
  const names = new Set<string>();
  for (const { name, capacity } of program.dimensions) {
    if (names.has(name) || !Number.isSafeInteger(capacity) || capacity < 1) {
      fail(program, undefined, `dimension ${name} is declared twice or has capacity ${capacity}`);
    }
    names.add(name);
  }
  const tensors = new Set(program.tensors.map((tensor) => tensor.name));
  if (tensors.size !== program.tensors.length) fail(program, undefined, "two tensors have the same name");
}

function checkTensor(program: Program, tensor: TensorSpec, index: number): void {
  if (tensor.id !== index) fail(program, tensor, `has id ${tensor.id} at place ${index}`);
  const fixedOnly = tensor.role === "weight" || tensor.role === "resource";
  let elements = 1;
  tensor.shape.forEach((extent, axis) => {
    const symbolic = typeof extent !== "number";
    if (symbolic && (axis > 0 || fixedOnly)) fail(program, tensor, "may be symbolic in the first axis of a run's tensor only");
    const length = Math.floor(resolveExtent(extent, capacitiesOf(program)));
    const factors = typeof extent === "number" ? [extent] : [extent.multiply, extent.divide];
    if (!(length >= 1) || !factors.every((factor) => Number.isSafeInteger(factor) && factor >= 1)) fail(program, tensor, `has the empty, fractional or undeclared axis ${axis} of ${formatShape(tensor.shape)}`);
    elements *= length;
  });
  if (elements > MAX_ELEMENTS) fail(program, tensor, `has ${elements} elements; the limit is ${MAX_ELEMENTS}`);
}

function isDeclared(tensor: TensorSpec): boolean {
  return tensor.role === "weight" || tensor.role === "input" || tensor.role === "resource";
}

function fail(program: Program, tensor: TensorSpec | undefined, problem: string): never {
  throw new InvalidProgramError({ program: program.name, ...(tensor === undefined ? {} : { tensor: tensor.name }), problem });
}
