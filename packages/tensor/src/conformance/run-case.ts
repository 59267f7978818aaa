import type { Backend, CompiledProgram } from "../backend.ts";
import type { TensorSpec } from "../program.ts";
import { elementCount, type Sizes } from "../shape.ts";
import type { CaseRun, PreparedCase } from "./prepared-case.ts";

/** The valid part of every output of a run, by name. */
export type CaseOutputs = ReadonlyMap<string, Float32Array | Int32Array>;

/** Compiles a case on a backend, runs it and returns the outputs of every run. Everything it created is disposed. */
export async function runCase(backend: Backend, prepared: PreparedCase): Promise<readonly CaseOutputs[]> {
  const { program, runs } = prepared;
  const weights = await backend.loadWeights(prepared.weights);
  const resources = Object.fromEntries(prepared.resources.map((spec) => [spec.name, backend.createResource(spec)]));
  const compiled = backend.compile(program, { weights, resources });
  try {
    const outputs: CaseOutputs[] = [];
    for (const run of runs) {
      writeInputs(compiled, run);
      await compiled.run(run.sizes);
      outputs.push(new Map(program.tensors.filter(({ role }) => role === "output").map((tensor) => [tensor.name, readOutput(compiled, tensor, run.sizes)])));
    }
    return outputs;
  } finally {
    compiled.dispose();
    for (const resource of Object.values(resources)) resource.dispose();
    weights.dispose();
  }
}

/** Writes the valid part of every input; what a longer earlier run left behind it stays, as in real use. */
function writeInputs(compiled: CompiledProgram, run: CaseRun): void {
  for (const tensor of compiled.program.tensors) {
    if (tensor.role === "input") compiled.input(tensor.name, tensor.dtype).set(run.inputs[tensor.name]!.slice(0, elementCount(tensor.shape, run.sizes)));
  }
}

function readOutput(compiled: CompiledProgram, tensor: TensorSpec, sizes: Sizes): Float32Array | Int32Array {
  const buffer = compiled.output(tensor.name, tensor.dtype as "f32" | "i32");
  return buffer.slice(0, elementCount(tensor.shape, sizes));
}
