import type { Resource, ResourceSpec } from "./backend.ts";
import { InvalidArgumentError } from "./errors/errors.ts";
import { PAGE_ROWS, type TensorId } from "./operations.ts";
import type { Program } from "./program.ts";

/** Most elements of a resource, so that every element has an exact index and a typed array can hold them. */
const MAX_ELEMENTS = 2 ** 32;

/** Checks the shape of a resource before anything is allocated. Throws `InvalidArgumentError`. */
export function validateResourceSpec({ shape, paged }: ResourceSpec): void {
  const elements = shape.reduce((product, length) => product * length, 1);
  const valid = shape.length > 0 && shape.every((length) => Number.isSafeInteger(length) && length > 0) && elements <= MAX_ELEMENTS;
  if (!valid) throw new InvalidArgumentError({ argument: "spec.shape", expected: "positive lengths of at most 2^32 elements", received: `[${shape}]` });
  if (paged && (shape.length !== 3 || shape[0]! % PAGE_ROWS !== 0)) {
    throw new InvalidArgumentError({ argument: "spec.shape", expected: `[a multiple of ${PAGE_ROWS} slots, heads, width]`, received: `[${shape}]` });
  }
}

/** Layout follows `ResourceSpec.paged`: attention reads paged resources, embeddings read others. Throws `InvalidArgumentError`. */
export function validatePaging(program: Program, resources: Readonly<Record<string, Resource>>): void {
  const expectPaged = (id: TensorId, paged: boolean): void => {
    const { name } = program.tensors[id]!;
    const spec = Object.hasOwn(resources, name) ? resources[name]?.spec : undefined;
    if (spec !== undefined && spec.paged !== paged) throw new InvalidArgumentError({ argument: `paged of resource ${name}`, expected: String(paged), received: spec.paged });
  };
  for (const operation of program.operations) {
    if (operation.kind === "embedding" && operation.media !== undefined) expectPaged(operation.media.rows, false);
    if (operation.kind === "attention" && operation.source.kind === "paged") {
      expectPaged(operation.source.keys, true);
      expectPaged(operation.source.values, true);
    }
  }
}
