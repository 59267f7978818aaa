import { InvalidProgramError } from "./errors/errors.ts";
import { PAGE_ROWS, SAMPLE_PARAMETERS, TOP_LOGPROBS, type Operation, type TensorId } from "./operations.ts";
import type { DType } from "./dtype.ts";
import type { TensorRole, TensorSpec } from "./program.ts";
import { flatExtent, formatShape, sameExtent, sameShape, times, type Extent, type Shape } from "./shape.ts";

/** Dtype and shape that an output must have. */
export interface OutputSpec {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Finds the tensor of an operand; throws `InvalidProgramError` for an id that is none. */
export type TensorLookup = (id: TensorId) => TensorSpec;

/**
 * The one place that knows which operands an operation accepts. Returns what its outputs look like, in the order of
 * `operandsOf(operation).writes`; an effect on a resource has no entry.
 */
export function checkOperation(operation: Operation, lookup: TensorLookup, programName: string): readonly OutputSpec[] {
  const check = new OperandCheck(operation, lookup, programName);
  switch (operation.kind) {
    case "embedding": {
      const ids = check.tensor(operation.ids, "ids", 1, "i32");
      const table = check.weight(operation.table, "table", 2);
      if (operation.media !== undefined) {
        check.resource(operation.media.rows, "media.rows", [undefined, table.shape[1]!]);
        check.tensor(operation.media.index, "media.index", 1, "i32", [ids.shape[0]!]);
      }
      return [{ dtype: "f32", shape: [ids.shape[0]!, table.shape[1]!] }];
    }
    case "gather": {
      const source = check.rows(operation.source, "source");
      const indices = check.tensor(operation.indices, "indices", 2, "i32");
      const width = source.shape[1]!;
      const taps = check.fixed(indices.shape[1]!, "taps");
      return [{ dtype: "f32", shape: [indices.shape[0]!, operation.combine === "mean" ? width : times(width, taps)] }];
    }
    case "reshape":
      return [check.reshape(operation.input, operation.output)];
    case "linear": {
      const weight = check.weight(operation.weight, "weight", 2);
      const input = check.tensor(operation.input, "input", 2, "f32", [undefined, weight.shape[1]!]);
      if (operation.bias !== undefined) check.weight(operation.bias, "bias", 1, [weight.shape[0]!]);
      return [{ dtype: "f32", shape: [input.shape[0]!, weight.shape[0]!] }];
    }
    case "rms-norm":
    case "layer-norm": {
      const input = check.tensor(operation.input, "input", undefined, "f32");
      const width = input.shape[input.shape.length - 1]!;
      check.weight(operation.weight, "weight", 1, [width]);
      if (operation.kind === "layer-norm" && operation.bias !== undefined) check.weight(operation.bias, "bias", 1, [width]);
      check.require(operation.epsilon > 0 && Number.isFinite(operation.epsilon), "epsilon is not a positive number");
      return [input];
    }
    case "scale": {
      const input = check.tensor(operation.input, "input", undefined, "f32");
      check.weight(operation.weight, "weight", 1, [input.shape[input.shape.length - 1]!]);
      return [input];
    }
    case "rotary":
      return [check.rotary(operation)];
    case "activation":
      return [check.tensor(operation.input, "input", undefined, "f32")];
    case "add":
    case "multiply":
    case "swiglu": {
      const [first, second] = operation.kind === "swiglu" ? [operation.gate, operation.up] : [operation.left, operation.right];
      const left = check.tensor(first, "left operand", undefined, "f32");
      check.tensor(second, "right operand", left.shape.length, "f32", left.shape);
      return [left];
    }
    case "attention":
      return [check.attention(operation)];
    case "store": {
      const target = check.resource(operation.target, "target");
      const input = check.tensor(operation.input, "input", target.shape.length, "f32", [undefined, ...target.shape.slice(1)]);
      check.tensor(operation.slots, "slots", 1, "i32", [input.shape[0]!]);
      return [];
    }
    case "route": {
      const logits = check.tensor(operation.logits, "logits", 2, "f32");
      const { count } = operation;
      const experts = check.fixed(logits.shape[1]!, "experts");
      check.require(Number.isInteger(count) && count >= 1 && count <= experts, `count is not an integer from 1 to ${experts}`);
      const shape = [logits.shape[0]!, count];
      return [{ dtype: "i32", shape }, { dtype: "f32", shape }];
    }
    case "experts": {
      const input = check.tensor(operation.input, "input", 2, "f32");
      const [rows, width] = input.shape as [Extent, Extent];
      const experts = check.tensor(operation.experts, "experts", 2, "i32", [rows, undefined]);
      check.tensor(operation.weights, "weights", 2, "f32", experts.shape);
      const gate = check.weight(operation.gate, "gate", 3);
      const [count, inner] = gate.shape as [Extent, Extent, Extent];
      check.weight(operation.gate, "gate", 3, [count, inner, width]);
      check.weight(operation.up, "up", 3, gate.shape);
      check.weight(operation.down, "down", 3, [count, width, inner]);
      return [input];
    }
    case "sample": {
      const logits = check.tensor(operation.logits, "logits", 2, "f32");
      const outputs = logits.shape[0]!;
      check.tensor(operation.parameters, "parameters", 2, "f32", [outputs, SAMPLE_PARAMETERS.length]);
      check.tensor(operation.seeds, "seeds", 2, "u32", [outputs, 4]);
      check.tensor(operation.historySpans, "historySpans", 2, "i32", [outputs, 2]);
      check.tensor(operation.history, "history", 1, "i32");
      return [
        { dtype: "i32", shape: [outputs] },
        { dtype: "f32", shape: [outputs] },
        { dtype: "i32", shape: [outputs, TOP_LOGPROBS] },
        { dtype: "f32", shape: [outputs, TOP_LOGPROBS] },
      ];
    }
  }
}

class OperandCheck {
  readonly #operation: Operation;
  readonly #lookup: TensorLookup;
  readonly #program: string;

  constructor(operation: Operation, lookup: TensorLookup, program: string) {
    this.#operation = operation;
    this.#lookup = lookup;
    this.#program = program;
  }

  require(condition: boolean, problem: string, tensor?: TensorSpec): void {
    if (condition) return;
    const name = tensor === undefined ? {} : { tensor: tensor.name };
    throw new InvalidProgramError({ program: this.#program, operation: this.#operation.kind, ...name, problem });
  }

  /** A readable tensor: any role but resource, and for 2-D weights only where an operation asks for a weight. */
  tensor(id: TensorId, operand: string, rank: number | undefined, dtype: DType, shape?: readonly (Extent | undefined)[]): TensorSpec {
    const tensor = this.#lookup(id);
    this.require(tensor.role !== "resource" && tensor.role !== "weight", `${operand} must not be a ${tensor.role}`, tensor);
    return this.#match(tensor, operand, rank, dtype, shape);
  }

  /** Rows to choose from: [n, width] of a run, or a resource. */
  rows(id: TensorId, operand: string): TensorSpec {
    return this.#lookup(id).role === "resource" ? this.#match(this.#lookup(id), operand, 2, "f32") : this.tensor(id, operand, 2, "f32");
  }

  weight(id: TensorId, operand: string, rank: number, shape?: Shape): TensorSpec {
    return this.#role(id, operand, "weight", rank, shape);
  }

  resource(id: TensorId, operand: string, shape?: readonly (Extent | undefined)[]): TensorSpec {
    const tensor = this.#lookup(id);
    this.require(tensor.role === "resource", `${operand} must be a resource, not a ${tensor.role}`, tensor);
    return this.#match(tensor, operand, shape?.length, tensor.dtype, shape);
  }

  fixed(extent: Extent, what: string): number {
    this.require(typeof extent === "number", `${what} must be a fixed length`);
    return extent as number;
  }

  reshape(inputId: TensorId, outputId: TensorId): OutputSpec {
    const input = this.#lookup(inputId);
    const output = this.#lookup(outputId);
    this.require(output.role === "temporary", "the result of a reshape cannot be an output: name its input instead", output);
    this.require(input.role !== "weight" && input.role !== "resource", "input must hold values of a run", input);
    const before = flatExtent(input.shape);
    const after = flatExtent(output.shape);
    const same = before !== undefined && after !== undefined && sameExtent(before, after);
    this.require(same, `${formatShape(input.shape)} and ${formatShape(output.shape)} differ in their number of elements`, input);
    return { dtype: input.dtype, shape: output.shape };
  }

  rotary(operation: Extract<Operation, { kind: "rotary" }>): OutputSpec {
    const input = this.tensor(operation.input, "input", 3, "f32");
    const rows = input.shape[0]!;
    const positions = this.tensor(operation.positions, "positions", 2, "i32", [rows, undefined]);
    if (operation.set === undefined) this.weight(operation.frequencies, "frequencies", 1);
    else {
      this.tensor(operation.frequencies, "frequencies", 2, "f32");
      this.tensor(operation.set, "set", 1, "i32", [rows]);
    }
    const frequencies = this.fixed(this.#lookup(operation.frequencies).shape.at(-1)!, "number of frequencies");
    const axisCount = this.fixed(positions.shape[1]!, "number of axes");
    this.require(2 * frequencies <= this.fixed(input.shape[2]!, "head width"), "twice the frequencies exceed the head width", input);
    this.require(operation.axes.length === frequencies, `axes lists ${operation.axes.length} entries for ${frequencies} frequencies`);
    this.require(operation.axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < axisCount), "an axis is out of range");
    this.require(Number.isFinite(operation.scale), "scale is not finite");
    return { dtype: "f32", shape: input.shape };
  }

  attention(operation: Extract<Operation, { kind: "attention" }>): OutputSpec {
    const query = this.tensor(operation.query, "query", 3, "f32");
    const [rows, heads, width] = query.shape as [Extent, Extent, Extent];
    const { source } = operation;
    const expected = [undefined, undefined, width];
    const paged = source.kind === "paged";
    const keys = paged ? this.resource(source.keys, "keys", expected) : this.tensor(source.keys, "keys", 3, "f32", expected);
    if (paged) {
      this.resource(source.values, "values", keys.shape);
      this.require(this.fixed(keys.shape[0]!, "slots") % PAGE_ROWS === 0, `slots must be a multiple of ${PAGE_ROWS}`, keys);
      this.tensor(source.sequence, "sequence", 1, "i32", [rows]);
      this.tensor(source.pageSpans, "pageSpans", 2, "i32", [undefined, 2]);
      this.tensor(source.pages, "pages", 1, "i32");
    } else this.tensor(source.values, "values", 3, "f32", keys.shape);
    const groups = this.fixed(heads, "heads") / this.fixed(keys.shape[1]!, "key heads");
    this.require(Number.isInteger(groups), "key heads do not divide heads", keys);
    this.tensor(operation.spans, "spans", 2, "i32", [rows, 2]);
    this.require(Number.isFinite(operation.scale), "scale is not finite");
    return { dtype: "f32", shape: query.shape };
  }

  #role(id: TensorId, operand: string, role: TensorRole, rank: number, shape?: Shape): TensorSpec {
    const tensor = this.#lookup(id);
    this.require(tensor.role === role, `${operand} must be a ${role}, not a ${tensor.role}`, tensor);
    return this.#match(tensor, operand, rank, "f32", shape);
  }

  #match(tensor: TensorSpec, operand: string, rank: number | undefined, dtype: DType, shape?: readonly (Extent | undefined)[]): TensorSpec {
    this.require(tensor.dtype === dtype, `${operand} must be ${dtype}, not ${tensor.dtype}`, tensor);
    this.require(rank === undefined || tensor.shape.length === rank, `${operand} must have rank ${rank}, not shape ${formatShape(tensor.shape)}`, tensor);
    const wanted = shape?.map((extent, axis) => extent ?? tensor.shape[axis] ?? 0);
    this.require(wanted === undefined || sameShape(wanted, tensor.shape), `${operand} must have shape ${formatShape(wanted ?? [])}, not ${formatShape(tensor.shape)}`, tensor);
    return tensor;
  }
}
