import { InvalidArgumentError } from "@polywen/tensor";

const MAX_STOP_STRINGS = 64;
const MAX_STOP_LENGTH = 1024;

/** Finds stop strings in text that arrives in pieces, holding back what may still become one. */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = "";

  /** Throws `InvalidArgumentError` for an empty, overlong or 65th stop string. */
  constructor(stops: readonly string[]) {
    if (!Array.isArray(stops) || stops.length > MAX_STOP_STRINGS) throw new InvalidArgumentError({ argument: "stop", expected: `a list of at most ${MAX_STOP_STRINGS} strings`, received: stops });
    for (const stop of stops) {
      if (typeof stop !== "string" || stop.length === 0 || stop.length > MAX_STOP_LENGTH) {
        throw new InvalidArgumentError({ argument: "stop", expected: `strings of 1 to ${MAX_STOP_LENGTH} characters`, received: stop });
      }
    }
    this.#stops = stops;
  }

  /** Takes new text; returns what can be shown now, and whether a stop string was met (it is not part of the text). */
  push(text: string): { readonly text: string; readonly stopped: boolean } {
    const all = this.#held + text;
    const first = Math.min(...this.#stops.map((stop) => all.indexOf(stop)).filter((index) => index >= 0));
    if (Number.isFinite(first)) {
      this.#held = "";
      return { text: all.slice(0, first), stopped: true };
    }
    const keep = Math.max(0, ...this.#stops.map((stop) => overlap(all, stop)));
    this.#held = all.slice(all.length - keep);
    return { text: all.slice(0, all.length - keep), stopped: false };
  }

  /** The end of the text: what was held back is ordinary text after all. */
  flush(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
    if (stop.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
