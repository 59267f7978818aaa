import type { DType } from "./dtype.ts";
import { InvalidArgumentError, NotFoundError } from "./errors/errors.ts";
import type { Program, TensorRole, TensorSpec } from "./program.ts";

/** The tensor of a program by name and role. Throws `NotFoundError`, or `InvalidArgumentError` for another dtype. */
export function findTensor(program: Program, name: string, role: TensorRole, dtype: DType): TensorSpec {
  const tensor = program.tensors.find((candidate) => candidate.name === name && candidate.role === role);
  if (tensor === undefined) throw new NotFoundError({ what: role, name, where: `program ${program.name}` });
  if (tensor.dtype !== dtype) throw new InvalidArgumentError({ argument: `dtype of ${role} ${name}`, expected: tensor.dtype, received: dtype });
  return tensor;
}
