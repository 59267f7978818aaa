import type { NetworkAccess } from "./network-policy.ts";

/** The bytes of a medium, never empty, and what to call it in errors. */
export interface MediaBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** What bounds and stops the reading of a medium. `what` names it where it has no file name, for instance "image". */
export interface ReadMediaOptions {
  readonly what: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
  /** What may be fetched. Default: nothing. */
  readonly network?: NetworkAccess | undefined;
}
