import { storageDTypes, storageFormatOf, type StorageDType } from "../dtype.ts";
import type { ActivationFunction } from "../operations.ts";
import type { CaseDraft } from "./case-draft.ts";
import { conformanceCase, type ConformanceCase } from "./conformance-case.ts";

const storageDtypes: readonly StorageDType[] = ["f32", "f16", "bf16"];

/** Rounding of a few f32 operations. */
const POINTWISE = 2e-6;

/** Rounding of f32 sums. */
const SUMS = 2e-5;

const blockDtypes: readonly StorageDType[] = storageDTypes.filter((dtype) => storageFormatOf(dtype).values > 1);

/** Inputs may be rounded to 8 bits in groups of 32 where they meet quantised weights. */
const CODES = 0.03;

function embeddingCase(rows: number, width: number, dtype: StorageDType, media?: "f32" | "bf16"): ConformanceCase {
  return conformanceCase(`embedding ${rows}×${width} ${dtype}${media === undefined ? "" : `, media ${media}`}`, 0, (draft) => {
    const { builder, random } = draft;
    const vocabulary = 37;
    const extent = draft.dimension("rows", rows);
    const ids = draft.integers("ids", [extent], random.normals(rows).map((_, row) => (row < 2 ? row * (vocabulary - 1) : random.integer(vocabulary))));
    const operands = { ids, table: draft.weight("table", [vocabulary, width], { dtype }) };
    if (media === undefined) {
      builder.output("output", builder.embedding(operands));
      return;
    }
    const slots = 9;
    const resource = draft.resource("media", media, [slots, width], false);
    builder.store(draft.floats("features", [slots, width]), resource, draft.integers("slots", [slots], random.permutation(slots).map((slot) => (slot === 4 ? -1 : slot))));
    const index = draft.integers("index", [extent], Array.from({ length: rows }, () => random.integer(slots + 3) - 3).map((slot) => Math.max(-1, slot)));
    builder.output("output", builder.embedding({ ...operands, media: { rows: resource, index } }));
  }, { splittable: rows > 1 });
}

function gatherCase(rows: number, taps: number, width: number, combine: "concatenate" | "mean", stored = false): ConformanceCase {
  return conformanceCase(`gather ${combine} ${rows}×${taps}×${width}${stored ? " of a resource" : ""}`, combine === "mean" ? POINTWISE : 0, (draft) => {
    const { builder, random } = draft;
    const sourceRows = 13;
    const values = draft.floats("source", [stored ? sourceRows : draft.dimension("sourceRows", sourceRows), width]);
    const source = stored ? draft.resource("media", "f32", [sourceRows, width], false) : values;
    if (stored) builder.store(values, source, draft.integers("slots", [sourceRows], random.permutation(sourceRows)));
    const indices = Array.from({ length: rows * taps }, () => random.integer(sourceRows + 1) - 1);
    builder.output("output", builder.gather(source, draft.integers("indices", [draft.dimension("rows", rows), taps], indices), combine));
  }, { splittable: rows > 1 });
}

function linearCase(rows: number, depth: number, columns: number, dtype: StorageDType, bias: boolean): ConformanceCase {
  return conformanceCase(`linear ${rows}×${depth}→${columns} ${dtype}${bias ? ", bias" : ""}`, SUMS, (draft) => {
    const input = draft.floats("input", [draft.dimension("rows", rows), depth]);
    const weight = draft.weight("weight", [columns, depth], { dtype });
    draft.builder.output("output", draft.builder.linear(input, weight, bias ? draft.weight("bias", [columns], { dtype }) : undefined));
  }, { splittable: rows > 1 });
}

function blocksCase(rows: number, depth: number, columns: number, dtype: StorageDType): ConformanceCase {
  return conformanceCase(`linear ${rows}×${depth}→${columns} ${dtype}`, CODES, (draft) => {
    const input = draft.floats("input", [draft.dimension("rows", rows), depth]);
    draft.builder.output("output", draft.builder.linear(input, draft.blocks("weight", [columns, depth], dtype), draft.weight("bias", [columns])));
  }, { splittable: rows > 1 });
}

/** Two matrices share an input, a third has another one of the same width. */
const sharedInputCase: ConformanceCase = conformanceCase("linear, quantised weights with a shared input", CODES, (draft) => {
  const { builder } = draft;
  const input = draft.floats("input", [draft.dimension("rows", 5), 64]);
  const left = builder.linear(input, draft.blocks("first", [64, 64], "q8_0"));
  builder.output("right", builder.linear(input, draft.blocks("shared", [40, 64], "q4_1")));
  builder.output("chained", builder.linear(left, draft.blocks("second", [16, 64], "q5_0")));
}, { splittable: true });

function blockEmbeddingCase(rows: number, width: number, dtype: StorageDType): ConformanceCase {
  return conformanceCase(`embedding ${rows}×${width} ${dtype}`, 0, (draft) => {
    const ids = draft.integers("ids", [draft.dimension("rows", rows)], Array.from({ length: rows }, (_, row) => (row * 17) % 37));
    draft.builder.output("output", draft.builder.embedding({ ids, table: draft.blocks("table", [37, width], dtype) }));
  }, { splittable: rows > 1 });
}

/** `scale` multiplies inputs that vary around 1: large ones cancel, tiny ones leave the epsilon to decide. */
function normCase(kind: "rms-norm" | "layer-norm", rows: number, heads: number, width: number, scale: number, dtype: StorageDType): ConformanceCase {
  return conformanceCase(`${kind} ${rows}×${heads}×${width}, scale ${scale}, ${dtype}`, SUMS, (draft) => {
    const extent = draft.dimension("rows", rows);
    const values = draft.random.normals(rows * heads * width, scale).map((value) => value + scale);
    const input = draft.floats("input", heads === 1 ? [extent, width] : [extent, heads, width], values);
    const weight = draft.weight("weight", [width], { dtype });
    const bias = heads === 1 ? draft.weight("bias", [width], { dtype }) : undefined;
    draft.builder.output("output", kind === "rms-norm" ? draft.builder.rmsNorm(input, weight, 1e-6) : draft.builder.layerNorm(input, weight, bias, 1e-5));
  }, { splittable: rows > 1 });
}

interface RotaryShape {
  readonly rows: number;
  readonly heads: number;
  readonly width: number;
  readonly frequencies: number;
  readonly axes: number;
  readonly sets?: number;
  readonly largestPosition: number;
}

function rotaryCase({ rows, heads, width, frequencies, axes, sets, largestPosition }: RotaryShape): ConformanceCase {
  const name = `rotary ${rows}×${heads}×${width}, ${frequencies} frequencies, ${axes} axes${sets === undefined ? "" : `, ${sets} sets`}, to ${largestPosition}`;
  return conformanceCase(name, SUMS, (draft) => {
    const { builder, random } = draft;
    const extent = draft.dimension("rows", rows);
    const table = Array.from({ length: frequencies * (sets ?? 1) }, (_, i) => 10000 ** (-(i % frequencies) / frequencies) / (1 + Math.floor(i / frequencies)));
    const positions = Array.from({ length: rows * axes }, (_, i) => (i < axes ? largestPosition : random.integer(largestPosition + 1)));
    const operands = {
      input: draft.floats("input", [extent, heads, width]),
      positions: draft.integers("positions", [extent, axes], positions),
      axes: Array.from({ length: frequencies }, () => random.integer(axes)),
      scale: sets === undefined ? 1 : 1.25,
    };
    const output =
      sets === undefined
        ? builder.rotary({ ...operands, frequencies: draft.weight("frequencies", [frequencies], { values: table }) })
        : builder.rotary({
            ...operands,
            frequencies: draft.floats("frequencies", [draft.dimension("sets", sets), frequencies], table),
            set: draft.integers("set", [extent], Array.from({ length: rows }, (_, row) => (row + sets - 1) % sets)),
          });
    builder.output("output", output);
  }, { splittable: rows > 1 });
}

function elementwiseCase(kind: ActivationFunction | "add" | "multiply" | "swiglu", rows: number, width: number): ConformanceCase {
  return conformanceCase(`${kind} ${rows}×${width}`, kind === "add" || kind === "multiply" ? 0 : POINTWISE, (draft) => {
    const { builder, random } = draft;
    const extent = draft.dimension("rows", rows);
    const values = random.normals(rows * width, 3).map((value, index) => [value, 0, -0, 80, -80, 1e-6, -9][index % 11] ?? value);
    const left = draft.floats("left", [extent, width], values);
    if (kind === "add" || kind === "multiply" || kind === "swiglu") builder.output("output", builder[kind](left, draft.floats("right", [extent, width])));
    else builder.output("output", builder.activation(kind, left));
  }, { splittable: rows > 1 });
}

function scaleCase(rows: number, heads: number, width: number, dtype: StorageDType): ConformanceCase {
  return conformanceCase(`scale ${rows}×${heads}×${width} ${dtype}`, 0, (draft) => {
    const extent = draft.dimension("rows", rows);
    const input = draft.floats("input", heads === 1 ? [extent, width] : [extent, heads, width]);
    draft.builder.output("output", draft.builder.scale(input, draft.weight("weight", [width], { dtype })));
  }, { splittable: rows > 1 });
}

/** A reshape of an input, of a temporary and of an output. */
const reshapeCase: ConformanceCase = conformanceCase("reshape", 0, (draft: CaseDraft) => {
  const { builder } = draft;
  const extent = draft.dimension("rows", 5);
  const input = draft.floats("input", [extent, 6]);
  const pairs = builder.reshape(input, [extent, 2, 3]);
  const sum = builder.add(pairs, pairs);
  const product = builder.multiply(builder.reshape(sum, [extent, 6]), input);
  builder.output("sum", sum);
  builder.output("product", builder.add(builder.reshape(builder.output("squares", product), [extent, 6]), input));
}, { splittable: true });

/** Operations on rows that know nothing of each other. */
export const rowCases: readonly ConformanceCase[] = [
  ...storageDtypes.flatMap((dtype) => [embeddingCase(7, 33, dtype), embeddingCase(5, 64, dtype, dtype === "f32" ? "f32" : "bf16")]),
  embeddingCase(0, 8, "f32"),
  embeddingCase(1, 1, "bf16"),
  ...([[1, 1, 1], [6, 1, 40], [5, 3, 17], [9, 8, 4], [0, 2, 5]] as const).flatMap(([rows, taps, width]) => [
    gatherCase(rows, taps, width, "concatenate"),
    gatherCase(rows, taps, width, "mean"),
    gatherCase(rows, taps, width, "concatenate", true),
  ]),
  ...([[1, 1, 1], [3, 7, 5], [0, 8, 8], [5, 33, 17], [2, 128, 64], [17, 100, 31], [1, 320, 96], [33, 64, 130], [4, 4864, 16], [3, 48, 1000]] as const).flatMap(
    ([rows, depth, columns]) => storageDtypes.map((dtype, index) => linearCase(rows, depth, columns, dtype, (rows + index) % 2 === 0)),
  ),
  ...blockDtypes.flatMap((dtype) => [blockEmbeddingCase(5, 512, dtype), blocksCase(1, 512, 40, dtype), blocksCase(7, 768, 19, dtype)]),
  sharedInputCase,
  ...(["rms-norm", "layer-norm"] as const).flatMap((kind) => [
    normCase(kind, 1, 1, 1, 1, "f32"),
    normCase(kind, 5, 1, 129, 1, "bf16"),
    normCase(kind, 0, 1, 8, 1, "f32"),
    normCase(kind, 4, 3, 64, 1, "f16"),
    normCase(kind, 3, 1, 896, 300, "f32"),
    normCase(kind, 3, 1, 40, 1e-4, "f32"),
  ]),
  rotaryCase({ rows: 1, heads: 1, width: 2, frequencies: 1, axes: 1, largestPosition: 0 }),
  rotaryCase({ rows: 5, heads: 3, width: 64, frequencies: 32, axes: 1, largestPosition: 100 }),
  rotaryCase({ rows: 4, heads: 2, width: 64, frequencies: 32, axes: 1, largestPosition: 131071 }),
  rotaryCase({ rows: 7, heads: 2, width: 21, frequencies: 8, axes: 1, largestPosition: 4000 }),
  rotaryCase({ rows: 6, heads: 4, width: 48, frequencies: 24, axes: 3, largestPosition: 900 }),
  rotaryCase({ rows: 9, heads: 2, width: 80, frequencies: 40, axes: 2, sets: 3, largestPosition: 70 }),
  rotaryCase({ rows: 0, heads: 2, width: 8, frequencies: 4, axes: 1, sets: 1, largestPosition: 5 }),
  ...(["silu", "gelu", "gelu-tanh", "quick-gelu", "add", "multiply", "swiglu"] as const).flatMap((kind) => [
    elementwiseCase(kind, 1, 1),
    elementwiseCase(kind, 3, 129),
    elementwiseCase(kind, 0, 16),
    elementwiseCase(kind, 20, 600),
  ]),
  ...([[1, 1, 1], [3, 1, 129], [0, 1, 16], [5, 3, 20]] as const).flatMap(([rows, heads, width], index) => scaleCase(rows, heads, width, storageDtypes[index % 3]!)),
  reshapeCase,
];
