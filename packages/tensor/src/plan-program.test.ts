import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteLengthOf } from "./dtype.ts";
import { operandsOf } from "./operands.ts";
import type { TensorId } from "./operations.ts";
import { ARENA_ALIGNMENT, planProgram } from "./plan-program.ts";
import { ProgramBuilder } from "./program-builder.ts";
import type { Program, TensorSpec } from "./program.ts";
import { elementCount } from "./shape.ts";
import { capacitiesOf } from "./validate-program.ts";

/** One random step: an operation on two earlier tensors, chosen by number. */
interface Step {
  readonly kind: "add" | "double" | "reshape" | "output";
  readonly left: number;
  readonly right: number;
}

const step: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom("add", "double", "reshape", "output"), left: fc.nat(), right: fc.nat() });

/** A program of random steps on tensors of `rows` times a power of two elements. */
function randomProgram(steps: readonly Step[]): Program {
  const builder = new ProgramBuilder("random");
  const rows = builder.dimension("rows", 37);
  const flat: TensorSpec[] = [builder.input("input", "f32", [rows, 4])];
  steps.forEach(({ kind, left, right }, index) => {
    const first = flat[left % flat.length]!;
    const fitting = flat.filter(({ shape }) => shape[1] === first.shape[1]);
    if (kind === "add") flat.push(builder.add(first, fitting[right % fitting.length]!));
    if (kind === "double") flat.push(builder.gather(first, indices(builder, index), "concatenate"));
    if (kind === "reshape") flat.push(builder.reshape(builder.reshape(first, [rows, 2, (first.shape[1] as number) / 2]), first.shape));
    if (kind === "output") flat[flat.length - 1] = tryOutput(builder, flat.at(-1)!, index);
  });
  return builder.build();
}

function indices(builder: ProgramBuilder, index: number): TensorSpec {
  return builder.input(`indices${index}`, "i32", [{ dimension: "rows", multiply: 1, divide: 1 }, 2]);
}

/** A tensor that a reshape made cannot be an output; inputs cannot either. */
function tryOutput(builder: ProgramBuilder, tensor: TensorSpec, index: number): TensorSpec {
  const made = builder.build().operations.find((operation) => operandsOf(operation).writes.includes(tensor.id));
  return made === undefined || made.kind === "reshape" || tensor.role !== "temporary" ? tensor : builder.output(`output${index}`, tensor);
}

interface Lifetime {
  readonly tensor: TensorSpec;
  readonly begin: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

/** When each tensor with a place is written and last read through any of its names, straight from the operations. */
function lifetimesOf(program: Program): readonly Lifetime[] {
  const { offsets } = planProgram(program);
  const source = new Map<TensorId, TensorId>();
  for (const operation of program.operations) if (operation.kind === "reshape") source.set(operation.output, operation.input);
  const isView = (id: TensorId, of: TensorId): boolean => id === of || (source.has(id) && isView(source.get(id)!, of));
  return [...offsets].filter(([id]) => !source.has(id)).map(([id, begin]) => {
    const tensor = program.tensors[id]!;
    const steps = program.operations.flatMap((operation, index) => {
      const { reads, writes } = operandsOf(operation);
      return [...reads, ...writes].some((operand) => isView(operand, id)) ? [index] : [];
    });
    const bytes = elementCount(tensor.shape, capacitiesOf(program)) * byteLengthOf(tensor.dtype);
    return { tensor, begin, end: begin + bytes, first: steps[0]!, last: steps.at(-1)! };
  });
}

describe("planProgram", () => {
  it("never lets two live tensors overlap, and aligns and bounds all of them", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }).filter((steps) => steps.filter(({ kind }) => kind === "double").length < 8), (steps) => {
        const program = randomProgram(steps);
        const plan = planProgram(program);
        const lifetimes = lifetimesOf(program);
        const temporaries = program.tensors.filter(({ role }) => role === "temporary");
        for (const { id } of temporaries) expect(plan.offsets.has(id) || plan.aliases.has(id)).toBe(true);
        lifetimes.forEach((left, index) => {
          expect(left.begin % ARENA_ALIGNMENT).toBe(0);
          expect(left.end).toBeLessThanOrEqual(plan.arenaByteLength);
          for (const right of lifetimes.slice(0, index)) {
            const together = left.first <= right.last && right.first <= left.last;
            expect(together && left.begin < right.end && right.begin < left.end).toBe(false);
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  it("reuses memory: a chain of any length needs two buffers", () => {
    const builder = new ProgramBuilder("chain");
    let tensor = builder.input("input", "f32", [builder.dimension("rows", 16), 1]);
    for (let i = 0; i < 20; i++) tensor = builder.activation("silu", tensor);
    expect(planProgram(builder.build()).arenaByteLength).toBe(2 * ARENA_ALIGNMENT);
  });

  it("takes time in proportion to the operations", () => {
    const builder = new ProgramBuilder("layers");
    const rows = builder.dimension("rows", 16);
    const input = builder.input("input", "f32", [rows, 8]);
    let stream = builder.activation("silu", input);
    for (let layer = 0; layer < 10_000; layer++) stream = builder.add(stream, builder.multiply(builder.activation("silu", stream), builder.activation("gelu", stream)));
    const program = builder.build();
    const started = performance.now();
    expect(planProgram(program).arenaByteLength).toBe(4 * 16 * 8 * 4);
    // A pair of loops over all tensors would take minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it("gives a reshape the place of its input", () => {
    const builder = new ProgramBuilder("reshape");
    const input = builder.input("input", "f32", [8]);
    const view = builder.reshape(input, [2, 4]);
    const sum = builder.add(view, view);
    const again = builder.reshape(builder.reshape(sum, [8]), [4, 2]);
    const end = builder.add(again, again);
    const { offsets, aliases } = planProgram(builder.build());
    expect(aliases.get(view.id)).toBe(input.id);
    expect(offsets.has(view.id)).toBe(false);
    expect(offsets.get(again.id)).toBe(offsets.get(sum.id));
    expect(offsets.get(end.id)).not.toBe(offsets.get(sum.id));
  });

  it("keeps outputs and what is read from them out of the arena", () => {
    const builder = new ProgramBuilder("output");
    const output = builder.output("output", builder.activation("silu", builder.input("input", "f32", [8])));
    const view = builder.reshape(output, [2, 4]);
    builder.activation("silu", view);
    const { offsets, aliases } = planProgram(builder.build());
    expect(offsets.has(output.id)).toBe(false);
    expect(aliases.get(view.id)).toBe(output.id);
  });
});
