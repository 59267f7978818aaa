import { InvalidArgumentError } from "@polywen/tensor";

/** The tokens that a clip makes. Throws InvalidArgumentError if there are none: published towers have no answer to such a clip. */
export function requireTokens(tokens: number, frames: number): number {
  if (tokens >= 1) return tokens;
  throw new InvalidArgumentError({ argument: "audio", expected: "a clip of at least 3 frames of 10 ms", received: frames });
}
