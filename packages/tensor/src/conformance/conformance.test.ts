import { describe, expect, it } from "vitest";
import type { Backend, CompiledProgram } from "../backend.ts";
import type { Operation } from "../operations.ts";
import type { Sizes } from "../shape.ts";
import { createReferenceBackend } from "../reference/reference-backend.ts";
import { conformanceCases, invarianceCases } from "./conformance-cases.ts";
import { refusalCases, runRefusal } from "./refusal-cases.ts";
import { runConformance } from "./run-conformance.ts";
import { runInvariance } from "./run-invariance.ts";

const reference = createReferenceBackend();

/** The reference with one part of `compile` done wrong. */
function faulty(compile: Backend["compile"]): Backend {
  return {
    name: "reference",
    device: reference.device,
    supports: (kind) => reference.supports(kind),
    loadWeights: (weights, options) => reference.loadWeights(weights, options),
    weightByteLength: (weight) => reference.weightByteLength(weight),
    createResource: (spec) => reference.createResource(spec),
    compile,
    dispose: () => reference.dispose(),
  };
}

function withOperations(change: (operation: Operation) => Operation): Backend {
  return faulty((program, bindings) => reference.compile({ ...program, operations: program.operations.map(change) }, bindings));
}

/** A backend that spoils its inputs before every run. */
function withInputs(spoil: (compiled: CompiledProgram, sizes: Sizes) => void): Backend {
  return faulty((program, bindings) => {
    const compiled = reference.compile(program, bindings);
    return {
      program,
      byteLength: compiled.byteLength,
      input: (name, dtype) => compiled.input(name, dtype),
      output: (name, dtype) => compiled.output(name, dtype),
      async run(sizes) {
        spoil(compiled, sizes);
        await compiled.run(sizes);
      },
      dispose: () => compiled.dispose(),
    };
  });
}

describe("the conformance suite", () => {
  it("has cases of unique names", () => {
    expect(new Set(conformanceCases.map(({ name }) => name)).size).toBe(conformanceCases.length);
  });

  it.each(conformanceCases)("runs $name on the reference", async (conformanceCase) => {
    expect(await runConformance(reference, conformanceCase)).toEqual({ maxError: 0, normalisedError: 0, worst: "" });
  });

  it.each(invarianceCases)("finds no dependence on the batch in $name", async (conformanceCase) => {
    expect(await runInvariance(reference, conformanceCase)).toEqual([]);
  });

  it.each(refusalCases)("sees the reference refuse $name", async (refusalCase) => {
    expect(await runRefusal(reference, refusalCase)).toBe(refusalCase.code);
  });
});

describe("a wrong backend", () => {
  // A few parts in ten thousand: small, yet no rounding of f32.
  const faults: readonly { what: string; change: (operation: Operation) => Operation }[] = [
    { what: "linear 3×7→5 f16, bias", change: (operation) => (operation.kind === "linear" ? { kind: "linear", input: operation.input, weight: operation.weight, output: operation.output } : operation) },
    { what: "rms-norm 3×1×40, scale 0.0001, f32", change: (operation) => (operation.kind === "rms-norm" ? { ...operation, epsilon: operation.epsilon * 1.001 } : operation) },
    { what: "rotary 5×3×64, 32 frequencies, 1 axes, to 100", change: (operation) => (operation.kind === "rotary" ? { ...operation, scale: operation.scale * 1.0001 } : operation) },
    { what: "packed attention, causal, 5 rows, 5 keys, 4/2×16", change: (operation) => (operation.kind === "attention" ? { ...operation, scale: operation.scale * 1.001 } : operation) },
    { what: "gelu 20×600", change: (operation) => (operation.kind === "activation" ? { ...operation, function: "gelu-tanh" } : operation) },
    { what: "decoder of two layers, f32 pages", change: (operation) => (operation.kind === "rms-norm" ? { ...operation, epsilon: 1e-3 } : operation) },
  ];

  it.each(faults)("is found out by $what", async ({ what, change }) => {
    const conformanceCase = conformanceCases.find(({ name }) => name === what)!;
    const { normalisedError, worst } = await runConformance(withOperations(change), conformanceCase);
    expect(normalisedError).toBeGreaterThan(conformanceCase.tolerance);
    expect(worst).toContain("instead of");
  });

  it("is found out by a token that differs", async () => {
    const shifted = withInputs((compiled) => compiled.input("seeds", "u32").fill(7));
    const conformanceCase = conformanceCases.find(({ name }) => name.startsWith("sample 27"))!;
    expect((await runConformance(shifted, conformanceCase)).normalisedError).toBe(Infinity);
  });

  it("is found out by a result that depends on the batch", async () => {
    const conformanceCase = invarianceCases.find(({ name }) => name.startsWith("linear 17"))!;
    const dependent = withInputs((compiled, { rows }) => {
      compiled.input("input", "f32").forEach((value, index, input) => (input[index] = value * (1 + rows! * 2 ** -23)));
    });
    expect(await runInvariance(dependent, conformanceCase)).not.toEqual([]);
  });
});
