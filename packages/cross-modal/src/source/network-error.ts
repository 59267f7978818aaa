import { PolywenError, type PolywenErrorOptions } from "@polywen/tensor";

/** A medium could not be fetched, or its address is not allowed. `url` is without query, `status` the HTTP status where there was an answer. */
export class NetworkError extends PolywenError {
  constructor(facts: { url: string; problem: string; status?: number }, options: Pick<PolywenErrorOptions, "cause" | "hint"> = {}) {
    super("NETWORK", `${facts.url}: ${facts.problem}.`, { facts, ...options });
  }
}
