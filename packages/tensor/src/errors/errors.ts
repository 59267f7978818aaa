import { PolywenError, type PolywenErrorOptions } from "./polywen-error.ts";

type Hint = Pick<PolywenErrorOptions, "hint" | "cause">;

/** An argument of a public function has a value outside its documented range. */
export class InvalidArgumentError extends PolywenError {
  constructor(facts: { argument: string; expected: string; received: unknown }, options: Hint = {}) {
    super("ARGUMENT_INVALID", `Expected ${facts.expected} for ${facts.argument} but received ${describe(facts.received)}.`, {
      facts,
      ...options,
    });
  }
}

/** A program is not well formed: a shape, a dtype, a role or an order of operations is wrong. */
export class InvalidProgramError extends PolywenError {
  constructor(facts: { program: string; operation?: string; tensor?: string; problem: string }, options: Hint = {}) {
    const place = [facts.program, facts.operation, facts.tensor].filter((part) => part !== undefined).join(" / ");
    super("PROGRAM_INVALID", `${place}: ${facts.problem}.`, { facts, ...options });
  }
}

/** A file exists but its content is not what its format promises. `offset` is in bytes, `pointer` a JSON pointer. */
export class InvalidFileError extends PolywenError {
  constructor(facts: { file: string; problem: string; offset?: number; pointer?: string; limit?: number }, options: Hint = {}) {
    const place = facts.pointer !== undefined ? ` at ${facts.pointer || "/"}` : facts.offset !== undefined ? ` at byte ${facts.offset}` : "";
    super("FILE_INVALID", `${facts.file}${place}: ${facts.problem}.`, { facts, ...options });
  }
}

/** A file, a folder, a tensor or a field that is needed is not there. */
export class NotFoundError extends PolywenError {
  constructor(facts: { what: string; name: string; where?: string; nearest?: readonly string[] }, options: Hint = {}) {
    const where = facts.where === undefined ? "" : ` in ${facts.where}`;
    super("NOT_FOUND", `${facts.what} "${facts.name}" was not found${where}.`, { facts, ...options });
  }
}

/** Something is valid but Polywen cannot do it: an architecture, a dtype, a codec, a configuration value. */
export class UnsupportedError extends PolywenError {
  constructor(facts: { feature: string; supported?: readonly string[] }, options: Hint = {}) {
    const list = facts.supported === undefined ? "" : ` Supported: ${facts.supported.join(", ")}.`;
    super("UNSUPPORTED", `${facts.feature} is not supported.${list}`, { facts, ...options });
  }
}

/** A documented limit would be exceeded; nothing was allocated. */
export class LimitExceededError extends PolywenError {
  constructor(facts: { what: string; limit: number; received: number; unit?: string; file?: string }, options: Hint = {}) {
    const unit = facts.unit === undefined ? "" : ` ${facts.unit}`;
    const file = facts.file === undefined ? "" : `${facts.file}: `;
    super("LIMIT_EXCEEDED", `${file}${facts.what} is ${facts.received}${unit}; the limit is ${facts.limit}${unit}.`, { facts, ...options });
  }
}

/** Memory for weights, cache or buffers cannot be had. Sizes in bytes unless `unit` says otherwise. */
export class OutOfMemoryError extends PolywenError {
  constructor(facts: { what: string; requested: number; available?: number; unit?: string }, options: Hint = {}) {
    const unit = facts.unit ?? "bytes";
    const available = facts.available === undefined ? "" : `, ${facts.available} ${unit} are available`;
    super("OUT_OF_MEMORY", `${facts.what} needs ${facts.requested} ${unit}${available}.`, { facts, ...options });
  }
}

/** A backend could not be loaded; `candidates` says what was tried and why each failed. */
export class BackendLoadError extends PolywenError {
  constructor(facts: { backend: string; candidates: readonly { path: string; reason: string }[] }, options: Hint = {}) {
    const tried = facts.candidates.map((candidate) => `\n  ${candidate.path}: ${candidate.reason}`).join("");
    super("BACKEND_UNAVAILABLE", `The ${facts.backend} backend could not be loaded.${tried}`, { facts, ...options });
  }
}

/** An object was used after `dispose()`. */
export class DisposedError extends PolywenError {
  constructor(facts: { object: string }) {
    super("DISPOSED", `${facts.object} was used after dispose().`, { facts });
  }
}

/** An index that a step was given points outside of what it selects from: a token id, a slot, a span, a page. `limit` is the first index that does not exist. */
export class IndexOutOfRangeError extends PolywenError {
  constructor(facts: { operation: string; tensor: string; row: number; value: number; limit: number }, options: Hint = {}) {
    super("INDEX_OUT_OF_RANGE", `${facts.operation}: ${facts.tensor} holds ${facts.value} in row ${facts.row}; it must be below ${facts.limit}.`, {
      facts,
      ...options,
    });
  }
}

/** A computation met numbers that it cannot go on with, for instance logits that are NaN. */
export class NumericalError extends PolywenError {
  constructor(facts: { operation: string; tensor: string; row: number; problem: string }, options: Hint = {}) {
    super("NUMERICAL", `${facts.operation}: row ${facts.row} of ${facts.tensor} ${facts.problem}.`, { facts, ...options });
  }
}

/** An object that does one thing at a time was asked to do a second. */
export class BusyError extends PolywenError {
  constructor(facts: { object: string }) {
    super("BUSY", `${facts.object} is still busy with an earlier call.`, { facts });
  }
}

/** Work was stopped by an AbortSignal; `cause` is the signal's reason. */
export class AbortedError extends PolywenError {
  constructor(facts: { operation: string }, options: Hint = {}) {
    super("ABORTED", `${facts.operation} was aborted.`, { facts, ...options });
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" || value == null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value) && "length" in value) return `${value.constructor.name} of ${String(value.length)}`;
  return typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value;
}
