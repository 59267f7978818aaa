import { setImmediate } from "node:timers/promises";
import { AbortedError, throwIfAborted } from "@polywen/tensor";

/** Longest time in milliseconds that a loop keeps the event loop to itself. */
const sliceMilliseconds = 8;

/** Cuts a long loop into slices: between two of them timers and I/O have their turn, and an abort is noticed. */
export class TimeSlices {
  readonly #operation: string;
  readonly #signal: AbortSignal | undefined;
  #end: number;

  /** `operation` names the work in the AbortedError. Throws that error if the signal is aborted already. */
  constructor(operation: string, signal: AbortSignal | undefined) {
    throwIfAborted(signal, operation);
    this.#operation = operation;
    this.#signal = signal;
    this.#end = performance.now() + sliceMilliseconds;
  }

  /** True when the loop should wait for `next()`. */
  get over(): boolean {
    return performance.now() >= this.#end;
  }

  /** Lets the event loop run once and begins a new slice. Throws AbortedError. */
  async next(): Promise<void> {
    await setImmediate();
    throwIfAborted(this.#signal, this.#operation);
    this.#end = performance.now() + sliceMilliseconds;
  }
}

/** What `work` gives, or AbortedError as soon as the signal fires: code of a user need not listen to it. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, operation: string): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new AbortedError({ operation }, { cause: signal.reason }));
    signal.addEventListener("abort", abort, { once: true });
    Promise.resolve(work).then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) abort();
  });
}
