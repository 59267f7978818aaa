import { describe, expect, it } from "vitest";
import { InvalidProgramError } from "./errors/errors.ts";
import { PAGE_ROWS, SAMPLE_PARAMETERS, TOP_LOGPROBS } from "./operations.ts";
import { ProgramBuilder } from "./program-builder.ts";
import type { TensorSpec } from "./program.ts";
import { times, type Extent } from "./shape.ts";
import { validateProgram } from "./validate-program.ts";

/** A builder with tensors of every kind, right and wrong. */
function declare(): { builder: ProgramBuilder; rows: Extent; other: Extent; t: Record<string, TensorSpec> } {
  const builder = new ProgramBuilder("p");
  const rows = builder.dimension("rows", 8);
  const other = builder.dimension("other", 8);
  const f32 = (name: string, ...shape: Extent[]): TensorSpec => builder.input(name, "f32", shape);
  const i32 = (name: string, ...shape: Extent[]): TensorSpec => builder.input(name, "i32", shape);
  const list = [
    f32("x", rows, 4), f32("x6", rows, 6), f32("vector", rows), f32("otherX", other, 4), f32("heads", rows, 4, 8), f32("threeHeads", rows, 3, 8), f32("narrow", rows, 2, 4),
    f32("packed", other, 2, 8), f32("sets", 3, 4), f32("logits", rows, 50), f32("parameters", rows, SAMPLE_PARAMETERS.length),
    i32("ids", rows), i32("otherIds", other), i32("pairs", rows, 2), i32("triples", rows, 3), i32("pageSpans", other, 2),
    builder.input("seeds", "u32", [rows, 4]),
    builder.weight("matrix", [6, 4]), builder.weight("four", [4]), builder.weight("six", [6]),
    builder.resource("keys", "bf16", [4 * PAGE_ROWS, 2, 8]), builder.resource("values", "bf16", [4 * PAGE_ROWS, 2, 8]),
    builder.resource("odd", "f32", [PAGE_ROWS + 1, 2, 8]), builder.resource("media", "f32", [5, 4]),
  ];
  return { builder, rows, other, t: Object.fromEntries(list.map((tensor) => [tensor.name, tensor])) };
}

type Make = (builder: ProgramBuilder, t: Record<string, TensorSpec>, rows: Extent) => unknown;

const paged = (t: Record<string, TensorSpec>, changes: object = {}) =>
  ({ kind: "paged", keys: t["keys"]!, values: t["values"]!, sequence: t["ids"]!, pageSpans: t["pageSpans"]!, pages: t["otherIds"]!, ...changes }) as const;
const packed = (t: Record<string, TensorSpec>, changes: object = {}) => ({ kind: "packed", keys: t["packed"]!, values: t["packed"]!, ...changes }) as const;
const axes = [0, 1, 0, 1];

const right: readonly [name: string, shape: (rows: Extent) => readonly Extent[], make: (...of: Parameters<Make>) => TensorSpec][] = [
  ["embedding", (rows) => [rows, 4], (b, t) => b.embedding({ ids: t["ids"]!, table: t["matrix"]!, media: { rows: t["media"]!, index: t["ids"]! } })],
  ["gather", (rows) => [rows, 12], (b, t) => b.gather(t["otherX"]!, t["triples"]!)],
  ["gather mean", (rows) => [rows, 4], (b, t) => b.gather(t["otherX"]!, t["triples"]!, "mean")],
  ["reshape", (rows) => [times(rows, 2), 2], (b, t, rows) => b.reshape(t["x"]!, [times(rows, 2), 2])],
  ["linear", (rows) => [rows, 6], (b, t) => b.linear(t["x"]!, t["matrix"]!, t["six"]!)],
  ["rms-norm", (rows) => [rows, 4], (b, t) => b.rmsNorm(t["x"]!, t["four"]!, 1e-6)],
  ["layer-norm", (rows) => [rows, 4], (b, t) => b.layerNorm(t["x"]!, t["four"]!, t["four"]!, 1e-6)],
  ["rotary", (rows) => [rows, 4, 8], (b, t) => b.rotary({ input: t["heads"]!, positions: t["pairs"]!, frequencies: t["four"]!, axes })],
  ["rotary sets", (rows) => [rows, 4, 8], (b, t) => b.rotary({ input: t["heads"]!, positions: t["pairs"]!, frequencies: t["sets"]!, set: t["ids"]!, axes })],
  ["attention packed", (rows) => [rows, 4, 8], (b, t) => b.attention({ query: t["heads"]!, source: packed(t), spans: t["pairs"]!, scale: 1 })],
  ["attention paged", (rows) => [rows, 4, 8], (b, t) => b.attention({ query: t["heads"]!, source: paged(t), spans: t["pairs"]!, scale: 1 })],
  ["sample", (rows) => [rows], (b, t) => b.sample({ logits: t["logits"]!, parameters: t["parameters"]!, seeds: t["seeds"]!, historySpans: t["pairs"]!, history: t["otherIds"]! }).token],
];

const wrong: readonly [rule: string, make: Make][] = [
  ["ids must have rank 1", (b, t) => b.embedding({ ids: t["pairs"]!, table: t["matrix"]! })],
  ["ids must be i32, not f32", (b, t) => b.embedding({ ids: t["vector"]!, table: t["matrix"]! })],
  ["table must be a weight, not a input", (b, t) => b.embedding({ ids: t["ids"]!, table: t["x"]! })],
  ["media.rows must be a resource", (b, t) => b.embedding({ ids: t["ids"]!, table: t["matrix"]!, media: { rows: t["x"]!, index: t["ids"]! } })],
  ["media.rows must have", (b, t) => b.embedding({ ids: t["ids"]!, table: t["matrix"]!, media: { rows: t["keys"]!, index: t["ids"]! } })],
  ["media.index must have shape [rows]", (b, t) => b.embedding({ ids: t["ids"]!, table: t["matrix"]!, media: { rows: t["media"]!, index: t["otherIds"]! } })],
  ["indices must have rank 2", (b, t) => b.gather(t["x"]!, t["ids"]!)],
  ["source must have rank 2", (b, t) => b.gather(t["heads"]!, t["pairs"]!)],
  ["differ in their number of elements", (b, t, rows) => b.reshape(t["x"]!, [rows, 5])],
  ["must hold values of a run", (b, t) => b.reshape(t["matrix"]!, [24])],
  ["input must have shape [rows, 4]", (b, t) => b.linear(t["x6"]!, t["matrix"]!)],
  ["bias must have shape [6]", (b, t) => b.linear(t["x"]!, t["matrix"]!, t["four"]!)],
  ["input must not be a resource", (b, t) => b.linear(t["media"]!, t["matrix"]!)],
  ["weight must have shape [4]", (b, t) => b.rmsNorm(t["x"]!, t["six"]!, 1e-6)],
  ["epsilon", (b, t) => b.rmsNorm(t["x"]!, t["four"]!, 0)],
  ["epsilon", (b, t) => b.layerNorm(t["x"]!, t["four"]!, undefined, Number.NaN)],
  ["bias must have shape [4]", (b, t) => b.layerNorm(t["x"]!, t["four"]!, t["six"]!, 1)],
  ["input must have rank 3", (b, t) => b.rotary({ input: t["x"]!, positions: t["pairs"]!, frequencies: t["four"]!, axes })],
  ["positions must have shape", (b, t) => b.rotary({ input: t["heads"]!, positions: t["pageSpans"]!, frequencies: t["four"]!, axes })],
  ["exceed the head width", (b, t) => b.rotary({ input: t["narrow"]!, positions: t["pairs"]!, frequencies: t["four"]!, axes })],
  ["axes lists 1 entries for 4", (b, t) => b.rotary({ input: t["heads"]!, positions: t["pairs"]!, frequencies: t["four"]!, axes: [0] })],
  ["an axis is out of range", (b, t) => b.rotary({ input: t["heads"]!, positions: t["pairs"]!, frequencies: t["four"]!, axes: [0, 1, 2, 0] })],
  ["scale is not finite", (b, t) => b.rotary({ input: t["heads"]!, positions: t["pairs"]!, frequencies: t["four"]!, axes, scale: Infinity })],
  ["frequencies must not be a weight", (b, t) => b.rotary({ input: t["heads"]!, positions: t["pairs"]!, frequencies: t["four"]!, set: t["ids"]!, axes })],
  ["input must be f32", (b, t) => b.activation("silu", t["ids"]!)],
  ["right operand must have", (b, t) => b.add(t["x"]!, t["x6"]!)],
  ["right operand must have", (b, t) => b.multiply(t["x"]!, t["otherX"]!)],
  ["right operand must have rank 2", (b, t) => b.swiglu(t["x"]!, t["heads"]!)],
  ["keys must have shape", (b, t) => b.attention({ query: t["narrow"]!, source: packed(t), spans: t["pairs"]!, scale: 1 })],
  ["key heads do not divide heads", (b, t) => b.attention({ query: t["threeHeads"]!, source: packed(t), spans: t["pairs"]!, scale: 1 })],
  ["values must have shape", (b, t) => b.attention({ query: t["heads"]!, source: packed(t, { values: t["heads"]! }), spans: t["pairs"]!, scale: 1 })],
  ["spans must have shape [rows, 2]", (b, t) => b.attention({ query: t["heads"]!, source: packed(t), spans: t["triples"]!, scale: 1 })],
  ["scale is not finite", (b, t) => b.attention({ query: t["heads"]!, source: packed(t), spans: t["pairs"]!, scale: Number.NaN })],
  ["keys must be a resource", (b, t) => b.attention({ query: t["heads"]!, source: paged(t, { keys: t["packed"]! }), spans: t["pairs"]!, scale: 1 })],
  ["slots must be a multiple of 16", (b, t) => b.attention({ query: t["heads"]!, source: paged(t, { keys: t["odd"]!, values: t["odd"]! }), spans: t["pairs"]!, scale: 1 })],
  ["sequence must have shape [rows]", (b, t) => b.attention({ query: t["heads"]!, source: paged(t, { sequence: t["otherIds"]! }), spans: t["pairs"]!, scale: 1 })],
  ["pageSpans must have shape", (b, t) => b.attention({ query: t["heads"]!, source: paged(t, { pageSpans: t["triples"]! }), spans: t["pairs"]!, scale: 1 })],
  ["pages must be i32", (b, t) => b.attention({ query: t["heads"]!, source: paged(t, { pages: t["vector"]! }), spans: t["pairs"]!, scale: 1 })],
  ["target must be a resource", (b, t) => b.store(t["x"]!, t["otherX"]!, t["ids"]!)],
  ["input must have shape [rows, 4]", (b, t) => b.store(t["x6"]!, t["media"]!, t["ids"]!)],
  ["slots must have shape [rows]", (b, t) => b.store(t["x"]!, t["media"]!, t["otherIds"]!)],
  ["parameters must have shape", (b, t) => b.sample({ logits: t["logits"]!, parameters: t["x"]!, seeds: t["seeds"]!, historySpans: t["pairs"]!, history: t["ids"]! })],
  ["seeds must be u32", (b, t) => b.sample({ logits: t["logits"]!, parameters: t["parameters"]!, seeds: t["pairs"]!, historySpans: t["pairs"]!, history: t["ids"]! })],
  ["is declared twice", (b) => b.input("x", "f32", [1])],
  ["is declared twice", (b) => b.weight("matrix", [4, 6])],
  ["declared twice or has capacity", (b) => b.dimension("rows", 3)],
  ["declared twice or has capacity", (b) => b.dimension("new", 0)],
  ["only a temporary can become an output", (b, t) => b.output("out", t["x"]!)],
  ["only a temporary can become an output", (b, t) => b.output("x", b.activation("silu", t["x"]!))],
  ["belongs to another program", (b, t) => b.activation("silu", { ...t["x"]!, id: 999 })],
];

describe("ProgramBuilder", () => {
  it.each(right)("%s makes the right shape and a valid program", (_name, shape, make) => {
    const { builder, rows, t } = declare();
    const made = make(builder, t, rows);
    expect(made.shape).toEqual(shape(rows));
    expect(() => validateProgram(builder.build())).not.toThrow();
  });

  it.each(wrong)("says: %s", (rule, make) => {
    const { builder, rows, t } = declare();
    const before = builder.build();
    expect(() => make(builder, t, rows)).toThrowError(InvalidProgramError);
    expect(() => make(builder, t, rows)).toThrowError(rule);
    expect(builder.build().operations.filter(({ kind }) => kind !== "activation")).toEqual(before.operations);
  });

  it("declares a weight once, however often it is used", () => {
    const builder = new ProgramBuilder("tied");
    expect(builder.weight("table", [3, 2])).toBe(builder.weight("table", [3, 2]));
  });

  it("names the outputs of a sample", () => {
    const { builder, rows, t } = declare();
    const result = builder.sample({ logits: t["logits"]!, parameters: t["parameters"]!, seeds: t["seeds"]!, historySpans: t["pairs"]!, history: t["otherIds"]! });
    expect(result.topTokens).toMatchObject({ dtype: "i32", shape: [rows, TOP_LOGPROBS] });
    expect(result.topLogprobs).toMatchObject({ dtype: "f32", shape: [rows, TOP_LOGPROBS] });
    expect(result.logprob).toMatchObject({ dtype: "f32", shape: [rows] });
  });

  it("leaves a tensor usable after it became an output", () => {
    const builder = new ProgramBuilder("output");
    const tensor = builder.activation("silu", builder.input("x", "f32", [2]));
    const output = builder.output("y", tensor);
    builder.output("z", builder.add(tensor, output));
    validateProgram(builder.build());
    expect(builder.build().tensors.map(({ name, role }) => `${name} ${role}`)).toEqual(["x input", "y output", "z output"]);
  });
});
