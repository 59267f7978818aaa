import { LimitExceededError } from "@polywen/tensor";

/** Throws LimitExceededError if a medium has more bytes than the limit. */
export function requireSize(size: number, file: string, limit: number): void {
  if (size > limit) throw new LimitExceededError({ what: "The size", limit, received: size, unit: "bytes", file });
}
