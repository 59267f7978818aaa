import type { WeightNaming } from "@polywen/core";
import { dividedBy, InvalidArgumentError, type ActivationFunction, type ProgramBuilder, type TensorSpec } from "@polywen/tensor";

/** Turns features [n, width] into media rows [rows, hidden size]; always a piece of program. */
export interface Connector {
  /** How many feature rows make one media row; rows left over at the end are dropped. */
  readonly stack: number;
  /**
   * Appends the connector. `hiddenSize` is the width of the text model. `deeper` are features of earlier layers, of encoders
   * that give them; a connector for a text model that reads several levels returns the rows of each, all equally many.
   */
  build(builder: ProgramBuilder, features: TensorSpec, hiddenSize: number, deeper: readonly TensorSpec[]): TensorSpec | readonly TensorSpec[];
  /** Where its weights are in a checkpoint. Absent: under their own names. */
  readonly naming?: WeightNaming;
}

/** Features are rows as they are: for an encoder alone, or one whose features have the width of the text model already. */
export function identityConnector(): Connector {
  return { stack: 1, build: (_, features) => features };
}

/** One linear layer: weights `connector.weight` [hidden size, stack × width] and `connector.bias`. */
export function linearConnector(options: { readonly stack?: number } = {}): Connector {
  const stack = checkedStack(options.stack);
  return {
    stack,
    build: (builder, features, hiddenSize) => dense(builder, stackRows(builder, features, stack), hiddenSize, "connector"),
  };
}

/** Two linear layers with an activation between: weights `connector.0.*` and `connector.2.*`. */
export function mlpConnector(options: { readonly hidden: number; readonly stack?: number; readonly activation?: ActivationFunction }): Connector {
  const stack = checkedStack(options.stack);
  return {
    stack,
    build(builder, features, hiddenSize) {
      const first = dense(builder, stackRows(builder, features, stack), options.hidden, "connector.0");
      return dense(builder, builder.activation(options.activation ?? "gelu", first), hiddenSize, "connector.2");
    },
  };
}

/** Lays `stack` consecutive rows side by side. */
export function stackRows(builder: ProgramBuilder, features: TensorSpec, stack: number): TensorSpec {
  if (stack === 1) return features;
  return builder.reshape(features, [dividedBy(features.shape[0]!, stack), (features.shape[1] as number) * stack]);
}

function checkedStack(stack = 1): number {
  if (Number.isSafeInteger(stack) && stack >= 1) return stack;
  throw new InvalidArgumentError({ argument: "stack", expected: "a positive integer", received: stack });
}

function dense(builder: ProgramBuilder, input: TensorSpec, out: number, name: string): TensorSpec {
  return builder.linear(input, builder.weight(`${name}.weight`, [out, input.shape[1] as number]), builder.weight(`${name}.bias`, [out]));
}
