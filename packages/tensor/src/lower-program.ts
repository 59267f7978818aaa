import type { Operation, OperationKind, TensorId } from "./operations.ts";
import type { Program, TensorSpec } from "./program.ts";

/** The fused operations that a backend may lack. */
export const OPTIONAL_OPERATIONS: readonly OperationKind[] = ["swiglu"];

/** Rewrites the fused operations that a backend does not support into required ones. */
export function lowerProgram(program: Program, supports: (kind: OperationKind) => boolean): Program {
  if (program.operations.every((operation) => supports(operation.kind))) return program;
  const tensors = [...program.tensors];
  const temporary = (like: TensorId): TensorSpec => {
    const tensor: TensorSpec = { ...tensors[like]!, id: tensors.length, name: `%${tensors.length}`, role: "temporary" };
    tensors.push(tensor);
    return tensor;
  };
  const operations = program.operations.flatMap((operation): readonly Operation[] => {
    if (operation.kind !== "swiglu" || supports("swiglu")) return [operation];
    const activated = temporary(operation.output);
    return [
      { kind: "activation", function: "silu", input: operation.gate, output: activated.id },
      { kind: "multiply", left: activated.id, right: operation.up, output: operation.output },
    ];
  });
  return { ...program, tensors, operations };
}
