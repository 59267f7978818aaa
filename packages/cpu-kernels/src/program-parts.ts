import { InvalidArgumentError, NotFoundError, planProgram, type Bindings, type Extent, type Program, type TensorId, type TensorSpec } from "@polywen/tensor";
import type { NativeHandle, NativeProgramParts, NativeTensor, NativeWeights } from "./addon-types.ts";
import { CpuResource } from "./cpu-resource.ts";
import { CpuWeights } from "./cpu-weights.ts";

/** A validated and lowered program as native code takes it: planned, bound, its dimensions numbered. */
export function programParts(program: Program, bindings: Bindings, buffers: ReadonlyMap<TensorId, ArrayBuffer>): NativeProgramParts {
  const { offsets, aliases, arenaByteLength } = planProgram(program);
  const tensors = program.tensors.map((tensor): NativeTensor => {
    const { id, name, dtype, role, shape } = tensor;
    const offset = offsets.get(id) ?? -1;
    const buffer = buffers.get(id);
    const alias = offset === -1 ? (aliases.get(id) ?? -1) : -1;
    const axes = shape.slice(1) as readonly number[];
    return { name, dtype, role, rows: rowsOf(program, shape[0] ?? 1), axes, offset, alias, ...(buffer === undefined ? {} : { buffer }) };
  });
  const resources = program.tensors.filter(({ role }) => role === "resource").map((tensor) => ({ tensor: tensor.id, resource: boundResource(tensor, bindings) }));
  const capacities = program.dimensions.map(({ capacity }) => capacity);
  return { name: program.name, capacities, tensors, operations: program.operations, arenaByteLength, weights: ownWeights(bindings), resources };
}

function rowsOf(program: Program, extent: Extent): NativeTensor["rows"] {
  if (typeof extent === "number") return { dimension: -1, multiply: extent, divide: 1 };
  const dimension = program.dimensions.findIndex(({ name }) => name === extent.dimension);
  return { dimension, multiply: extent.multiply, divide: extent.divide };
}

function ownWeights({ weights }: Bindings): NativeWeights {
  if (weights instanceof CpuWeights) return weights.handle;
  throw new InvalidArgumentError({ argument: "bindings.weights", expected: "weights of the cpu backend", received: weights });
}

function boundResource({ name }: TensorSpec, { resources = {} }: Bindings): NativeHandle {
  const resource = Object.hasOwn(resources, name) ? resources[name] : undefined;
  if (resource === undefined) throw new NotFoundError({ what: "resource", name, where: "bindings.resources" });
  if (!(resource instanceof CpuResource)) throw new InvalidArgumentError({ argument: `resource ${name}`, expected: "a resource of the cpu backend", received: resource });
  return resource.handle;
}
