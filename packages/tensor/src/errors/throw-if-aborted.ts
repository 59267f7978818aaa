import { AbortedError } from "./errors.ts";

/** Throws `AbortedError`, with the reason as its cause, if the signal is aborted. `operation` says what was stopped. */
export function throwIfAborted(signal: AbortSignal | undefined, operation: string): void {
  if (signal?.aborted === true) throw new AbortedError({ operation }, { cause: signal.reason });
}
