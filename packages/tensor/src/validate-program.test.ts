import { describe, expect, it } from "vitest";
import { InvalidProgramError } from "./errors/errors.ts";
import type { Operation } from "./operations.ts";
import { ProgramBuilder } from "./program-builder.ts";
import type { Program, TensorSpec } from "./program.ts";
import { dividedBy } from "./shape.ts";
import { capacitiesOf, validateProgram, validateSizes } from "./validate-program.ts";

// x and w make %2, which silu turns into y.
const builder = new ProgramBuilder("valid");
const rows = builder.dimension("rows", 8);
const hidden = builder.linear(builder.input("x", "f32", [rows, 4]), builder.weight("w", [6, 4]));
builder.output("y", builder.activation("silu", hidden));
const valid = builder.build();

const [linear, silu] = valid.operations as [Operation, Operation];

function withTensor(name: string, change: Partial<TensorSpec>): Program {
  return { ...valid, tensors: valid.tensors.map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor)) };
}

const faults: readonly [problem: string, program: Program][] = [
  ["has id 7 at place 0", withTensor("x", { id: 7 })],
  ["same name", withTensor("y", { name: "x" })],
  ["declared twice", { ...valid, dimensions: [...valid.dimensions, ...valid.dimensions] }],
  ["has capacity 0.5", { ...valid, dimensions: [{ name: "rows", capacity: 0.5 }] }],
  ["undeclared axis 0", { ...valid, dimensions: [] }],
  ["symbolic in the first axis", withTensor("x", { shape: [4, rows] })],
  ["symbolic in the first axis", withTensor("w", { shape: [rows, 4] })],
  ["fractional", withTensor("x", { shape: [rows, 4.5] })],
  ["empty", withTensor("x", { shape: [0, 4] })],
  ["fractional", withTensor("x", { shape: [{ dimension: "rows", multiply: 1, divide: 0.5 }, 4] })],
  ["the limit is 2147483647", withTensor("x", { shape: [rows, 2 ** 30] })],
  ["does not exist", { ...valid, operations: [{ ...silu, input: 99 } as Operation] }],
  ["before it is written", { ...valid, operations: [silu, linear] }],
  ["is written twice", { ...valid, operations: [linear, linear, silu] }],
  ["is written twice", { ...valid, operations: [{ ...linear, output: 0 } as Operation, silu] }],
  ["is declared [rows, 7] but activation makes [rows, 6]", withTensor("y", { shape: [rows, 7] })],
  ["is declared", withTensor("y", { dtype: "i32" })],
  ["is never written", { ...valid, operations: [linear] }],
];

describe("validateProgram", () => {
  it("accepts what the builder makes", () => {
    expect(() => validateProgram(valid)).not.toThrow();
    expect(() => validateProgram(JSON.parse(JSON.stringify(valid)))).not.toThrow();
  });

  it.each(faults)("says: %s", (problem, program) => {
    expect(() => validateProgram(program)).toThrowError(InvalidProgramError);
    expect(() => validateProgram(program)).toThrowError(problem);
  });
});

describe("validateSizes", () => {
  const merged = new ProgramBuilder("merged");
  merged.input("x", "f32", [dividedBy(merged.dimension("patches", 8), 4), 2]);
  const program = merged.build();

  it("accepts integers from 0 to the capacity that divide", () => {
    for (const patches of [0, 4, 8]) expect(() => validateSizes(program, { patches })).not.toThrow();
    expect(capacitiesOf(program)).toEqual({ patches: 8 });
  });

  it.each([{}, { patches: 12 }, { patches: -4 }, { patches: 0.5 }, { patches: 6 }])("refuses %j", (sizes) => {
    expect(() => validateSizes(program, sizes)).toThrowError(InvalidProgramError);
  });
});
