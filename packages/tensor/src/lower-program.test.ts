import { describe, expect, it } from "vitest";
import { lowerProgram, OPTIONAL_OPERATIONS } from "./lower-program.ts";
import { ProgramBuilder } from "./program-builder.ts";
import { validateProgram } from "./validate-program.ts";

const builder = new ProgramBuilder("mlp");
const rows = builder.dimension("rows", 4);
const gate = builder.input("gate", "f32", [rows, 8]);
const up = builder.input("up", "f32", [rows, 8]);
builder.output("first", builder.swiglu(gate, up));
builder.output("second", builder.swiglu(up, gate));
const program = builder.build();

describe("lowerProgram", () => {
  it("returns the program itself where everything is supported", () => {
    expect(lowerProgram(program, () => true)).toBe(program);
  });

  it("replaces fused operations by required ones", () => {
    const lowered = lowerProgram(program, (kind) => !OPTIONAL_OPERATIONS.includes(kind));
    validateProgram(lowered);
    expect(lowered.operations.map(({ kind }) => kind)).toEqual(["activation", "multiply", "activation", "multiply"]);
    expect(lowered.tensors.slice(0, program.tensors.length)).toEqual(program.tensors);
    expect(program.operations.map(({ kind }) => kind)).toEqual(["swiglu", "swiglu"]);
  });
});
