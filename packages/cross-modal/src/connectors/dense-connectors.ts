import type { ActivationFunction } from "@polywen/tensor";
import { dense, positiveInteger, stackRows, type Connector } from "./connector.ts";

/** Features are rows as they are: for an encoder alone, or one whose features have the width of the text model already. */
export function identityConnector(): Connector {
  return { stack: 1, build: (_, features) => features };
}

/** One linear layer: weights `connector.weight` [hidden size, stack × width] and `connector.bias`. */
export function linearConnector(options: { readonly stack?: number } = {}): Connector {
  const stack = positiveInteger("stack", options.stack ?? 1);
  return {
    stack,
    build: (builder, features, hiddenSize) => dense(builder, stackRows(builder, features, stack), hiddenSize, "connector"),
  };
}

/** Two linear layers with an activation between: weights `connector.0.*` and `connector.2.*`. */
export function mlpConnector(options: { readonly hidden: number; readonly stack?: number; readonly activation?: ActivationFunction }): Connector {
  const stack = positiveInteger("stack", options.stack ?? 1);
  const hidden = positiveInteger("hidden", options.hidden);
  return {
    stack,
    build(builder, features, hiddenSize) {
      const first = dense(builder, stackRows(builder, features, stack), hidden, "connector.0");
      return dense(builder, builder.activation(options.activation ?? "gelu", first), hiddenSize, "connector.2");
    },
  };
}
