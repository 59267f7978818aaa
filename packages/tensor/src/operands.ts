import type { Operation, TensorId } from "./operations.ts";

/** What an operation reads and writes, resources among them. */
export interface Operands {
  readonly reads: readonly TensorId[];
  readonly writes: readonly TensorId[];
}

/** The operands of an operation in a fixed order. */
export function operandsOf(operation: Operation): Operands {
  switch (operation.kind) {
    case "embedding": {
      const media = operation.media === undefined ? [] : [operation.media.rows, operation.media.index];
      return { reads: [operation.ids, operation.table, ...media], writes: [operation.output] };
    }
    case "gather":
      return { reads: [operation.source, operation.indices], writes: [operation.output] };
    case "reshape":
    case "activation":
      return { reads: [operation.input], writes: [operation.output] };
    case "linear":
    case "layer-norm":
      return { reads: [operation.input, operation.weight, ...optional(operation.bias)], writes: [operation.output] };
    case "rms-norm":
    case "scale":
      return { reads: [operation.input, operation.weight], writes: [operation.output] };
    case "rotary":
      return {
        reads: [operation.input, operation.positions, operation.frequencies, ...optional(operation.set)],
        writes: [operation.output],
      };
    case "add":
    case "multiply":
      return { reads: [operation.left, operation.right], writes: [operation.output] };
    case "swiglu":
      return { reads: [operation.gate, operation.up], writes: [operation.output] };
    case "attention": {
      const { source } = operation;
      const paging = source.kind === "paged" ? [source.sequence, source.pageSpans, source.pages] : [];
      return { reads: [operation.query, source.keys, source.values, operation.spans, ...paging], writes: [operation.output] };
    }
    case "store":
      return { reads: [operation.input, operation.slots], writes: [operation.target] };
    case "route":
      return { reads: [operation.logits], writes: [operation.experts, operation.weights] };
    case "experts":
      return { reads: [operation.input, operation.experts, operation.weights, operation.gate, operation.up, operation.down], writes: [operation.output] };
    case "sample":
      return {
        reads: [operation.logits, operation.parameters, operation.seeds, operation.historySpans, operation.history],
        writes: [operation.token, operation.logprob, operation.topTokens, operation.topLogprobs],
      };
  }
}

function optional(id: TensorId | undefined): readonly TensorId[] {
  return id === undefined ? [] : [id];
}
