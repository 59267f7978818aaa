import { checkOperation } from "./check-operation.ts";
import type { DType } from "./dtype.ts";
import { InvalidProgramError } from "./errors/errors.ts";
import { operandsOf } from "./operands.ts";
import type { ActivationFunction, Operation, RouteOperation, TensorId } from "./operations.ts";
import type { Program, TensorRole, TensorSpec } from "./program.ts";
import type { Dimension, Extent, Shape } from "./shape.ts";

/** Keys and values as tensors of the builder: see `PackedKeys` and `PagedKeys`. */
export type KeySource =
  | { readonly kind: "packed"; readonly keys: TensorSpec; readonly values: TensorSpec }
  | {
      readonly kind: "paged";
      readonly keys: TensorSpec;
      readonly values: TensorSpec;
      readonly sequence: TensorSpec;
      readonly pageSpans: TensorSpec;
      readonly pages: TensorSpec;
    };

/** What `ProgramBuilder.sample` returns: see `SampleOperation`. */
export interface SampleOutputs {
  readonly token: TensorSpec;
  readonly logprob: TensorSpec;
  readonly topTokens: TensorSpec;
  readonly topLogprobs: TensorSpec;
}

/**
 * Writes a program: every method appends one operation, checks its operands at once and returns its output.
 * Declared names (weights, inputs, resources, outputs) must be unique.
 */
export class ProgramBuilder {
  readonly name: string;
  readonly #dimensions: Dimension[] = [];
  readonly #tensors: TensorSpec[] = [];
  readonly #operations: Operation[] = [];
  readonly #byName = new Map<string, TensorSpec>();

  constructor(name: string) {
    this.name = name;
  }

  /** Declares a symbolic dimension of at most `capacity`. */
  dimension(name: string, capacity: number): Extent {
    const taken = this.#dimensions.some((dimension) => dimension.name === name);
    if (taken || !Number.isSafeInteger(capacity) || capacity < 1) {
      throw new InvalidProgramError({ program: this.name, problem: `dimension ${name} is declared twice or has capacity ${capacity}` });
    }
    this.#dimensions.push({ name, capacity });
    return { dimension: name, multiply: 1, divide: 1 };
  }

  /** A weight of the model, declared once however often it is used. */
  weight(name: string, shape: readonly number[]): TensorSpec {
    const known = this.#byName.get(name);
    if (known?.role === "weight" && known.shape.length === shape.length && known.shape.every((extent, axis) => extent === shape[axis])) return known;
    return this.#declare(name, "weight", "f32", shape);
  }

  /** An array that the caller fills before each run. */
  input(name: string, dtype: "f32" | "i32" | "u32", shape: Shape): TensorSpec {
    return this.#declare(name, "input", dtype, shape);
  }

  /** Memory that outlives runs, bound by name at compilation. */
  resource(name: string, dtype: "f32" | "bf16", shape: readonly number[]): TensorSpec {
    return this.#declare(name, "resource", dtype, shape);
  }

  /** Makes a temporary readable after the run under `name`. */
  output(name: string, tensor: TensorSpec): TensorSpec {
    const current = this.#tensors[tensor.id];
    if (current?.role !== "temporary" || this.#byName.has(name)) {
      throw new InvalidProgramError({ program: this.name, tensor: name, problem: "only a temporary can become an output, under a new name" });
    }
    this.#byName.delete(current.name);
    return this.#register({ ...current, name, role: "output" });
  }

  /** See `EmbeddingOperation`. */
  embedding(operands: { ids: TensorSpec; table: TensorSpec; media?: { rows: TensorSpec; index: TensorSpec } | undefined }): TensorSpec {
    const media = operands.media === undefined ? {} : { media: { rows: operands.media.rows.id, index: operands.media.index.id } };
    return this.#append({ kind: "embedding", ids: operands.ids.id, table: operands.table.id, ...media, output: this.#next() });
  }

  /** See `GatherOperation`. */
  gather(source: TensorSpec, indices: TensorSpec, combine: "concatenate" | "mean" = "concatenate"): TensorSpec {
    return this.#append({ kind: "gather", source: source.id, indices: indices.id, combine, output: this.#next() });
  }

  /** The same elements as another shape. */
  reshape(input: TensorSpec, shape: Shape): TensorSpec {
    const output = this.#register({ id: this.#next(), name: `%${this.#next()}`, role: "temporary", dtype: input.dtype, shape });
    const operation = { kind: "reshape", input: input.id, output: output.id } as const;
    checkOperation(operation, this.#lookup, this.name);
    this.#operations.push(operation);
    return output;
  }

  /** See `LinearOperation`. */
  linear(input: TensorSpec, weight: TensorSpec, bias?: TensorSpec): TensorSpec {
    const optional = bias === undefined ? {} : { bias: bias.id };
    return this.#append({ kind: "linear", input: input.id, weight: weight.id, ...optional, output: this.#next() });
  }

  /** See `RmsNormOperation`. */
  rmsNorm(input: TensorSpec, weight: TensorSpec, epsilon: number): TensorSpec {
    return this.#append({ kind: "rms-norm", input: input.id, weight: weight.id, epsilon, output: this.#next() });
  }

  /** See `LayerNormOperation`. */
  layerNorm(input: TensorSpec, weight: TensorSpec, bias: TensorSpec | undefined, epsilon: number): TensorSpec {
    const optional = bias === undefined ? {} : { bias: bias.id };
    return this.#append({ kind: "layer-norm", input: input.id, weight: weight.id, ...optional, epsilon, output: this.#next() });
  }

  /** See `RotaryOperation`. */
  rotary(operands: {
    input: TensorSpec;
    positions: TensorSpec;
    frequencies: TensorSpec;
    set?: TensorSpec;
    axes: readonly number[];
    scale?: number;
  }): TensorSpec {
    const { input, positions, frequencies, set, axes, scale = 1 } = operands;
    const optional = set === undefined ? {} : { set: set.id };
    return this.#append({ kind: "rotary", input: input.id, positions: positions.id, frequencies: frequencies.id, ...optional, axes, scale, output: this.#next() });
  }

  /** See `ActivationOperation`. */
  activation(name: ActivationFunction, input: TensorSpec): TensorSpec {
    return this.#append({ kind: "activation", function: name, input: input.id, output: this.#next() });
  }

  /** Elementwise sum. */
  add(left: TensorSpec, right: TensorSpec): TensorSpec {
    return this.#append({ kind: "add", left: left.id, right: right.id, output: this.#next() });
  }

  /** Elementwise product. */
  multiply(left: TensorSpec, right: TensorSpec): TensorSpec {
    return this.#append({ kind: "multiply", left: left.id, right: right.id, output: this.#next() });
  }

  /** See `ScaleOperation`. */
  scale(input: TensorSpec, weight: TensorSpec): TensorSpec {
    return this.#append({ kind: "scale", input: input.id, weight: weight.id, output: this.#next() });
  }

  /** See `SwigluOperation`. */
  swiglu(gate: TensorSpec, up: TensorSpec): TensorSpec {
    return this.#append({ kind: "swiglu", gate: gate.id, up: up.id, output: this.#next() });
  }

  /** See `AttentionOperation`. */
  attention(operands: { query: TensorSpec; source: KeySource; spans: TensorSpec; scale: number }): TensorSpec {
    const { query, source, spans, scale } = operands;
    const keys = { keys: source.keys.id, values: source.values.id };
    const ids =
      source.kind === "packed"
        ? { kind: "packed" as const, ...keys }
        : { kind: "paged" as const, ...keys, sequence: source.sequence.id, pageSpans: source.pageSpans.id, pages: source.pages.id };
    return this.#append({ kind: "attention", query: query.id, source: ids, spans: spans.id, scale, output: this.#next() });
  }

  /** See `StoreOperation`. */
  store(input: TensorSpec, target: TensorSpec, slots: TensorSpec): void {
    const operation = { kind: "store", input: input.id, target: target.id, slots: slots.id } as const;
    checkOperation(operation, this.#lookup, this.name);
    this.#operations.push(operation);
  }

  /** See `RouteOperation`. */
  route(logits: TensorSpec, options: Pick<RouteOperation, "scoring" | "count" | "normalise">): { readonly experts: TensorSpec; readonly weights: TensorSpec } {
    const first = this.#next();
    const experts = this.#append({ kind: "route", logits: logits.id, ...options, experts: first, weights: first + 1 });
    return { experts, weights: this.#tensors[first + 1]! };
  }

  /** See `ExpertsOperation`. */
  experts(operands: Record<"input" | "experts" | "weights" | "gate" | "up" | "down", TensorSpec>): TensorSpec {
    const { input, experts, weights, gate, up, down } = operands;
    return this.#append({ kind: "experts", input: input.id, experts: experts.id, weights: weights.id, gate: gate.id, up: up.id, down: down.id, output: this.#next() });
  }

  /** See `SampleOperation`. */
  sample(operands: { logits: TensorSpec; parameters: TensorSpec; seeds: TensorSpec; historySpans: TensorSpec; history: TensorSpec }): SampleOutputs {
    const { logits, parameters, seeds, historySpans, history } = operands;
    const first = this.#next();
    const inputs = { logits: logits.id, parameters: parameters.id, seeds: seeds.id, historySpans: historySpans.id, history: history.id };
    this.#append({ kind: "sample", ...inputs, token: first, logprob: first + 1, topTokens: first + 2, topLogprobs: first + 3 });
    const [token, logprob, topTokens, topLogprobs] = this.#tensors.slice(first) as [TensorSpec, TensorSpec, TensorSpec, TensorSpec];
    return { token, logprob, topTokens, topLogprobs };
  }

  /** The finished program. */
  build(): Program {
    return { name: this.name, dimensions: [...this.#dimensions], tensors: [...this.#tensors], operations: [...this.#operations] };
  }

  #append(operation: Operation): TensorSpec {
    const outputs = checkOperation(operation, this.#lookup, this.name);
    const { writes } = operandsOf(operation);
    outputs.forEach((output, index) => this.#register({ id: writes[index]!, name: `%${writes[index]!}`, role: "temporary", ...specOf(output) }));
    this.#operations.push(operation);
    return this.#tensors[writes[0]!]!;
  }

  #declare(name: string, role: TensorRole, dtype: DType, shape: Shape): TensorSpec {
    if (this.#byName.has(name)) throw new InvalidProgramError({ program: this.name, tensor: name, problem: "the name is declared twice" });
    return this.#register({ id: this.#next(), name, role, dtype, shape });
  }

  #register(tensor: TensorSpec): TensorSpec {
    this.#tensors[tensor.id] = tensor;
    this.#byName.set(tensor.name, tensor);
    return tensor;
  }

  #next(): TensorId {
    return this.#tensors.length;
  }

  readonly #lookup = (id: TensorId): TensorSpec => {
    const tensor = this.#tensors[id];
    if (tensor === undefined) throw new InvalidProgramError({ program: this.name, problem: `tensor ${id} belongs to another program` });
    return tensor;
  };
}

function specOf(output: { dtype: DType; shape: Shape }): { dtype: DType; shape: Shape } {
  return { dtype: output.dtype, shape: output.shape };
}
