/** Facts that an error carries beside its message: plain, printable values. */
export type ErrorFacts = Readonly<Record<string, unknown>>;

/** What every error of Polywen may be built with beside code and message. */
export interface PolywenErrorOptions {
  /** Plain values for programs: expected and received shape, file, offset, counts. */
  readonly facts?: ErrorFacts;
  /** One sentence that says what to do next. */
  readonly hint?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

const marker = Symbol.for("polywen.error");

/** Messages quote names from foreign files: characters that steer a terminal, or turn the direction of text, are written out. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Base of every error that Polywen throws. `code` is stable and documented in
 * `docs/guide/errors.md`; the message is for people and may change.
 */
export class PolywenError extends Error {
  /** Stable identifier in capitals, for instance `FILE_INVALID`. */
  readonly code: string;
  /** Plain values that say what was expected, what came and where. */
  readonly facts: ErrorFacts;
  /** What to do next, if we know. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: PolywenErrorOptions = {}) {
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause });
    Object.defineProperty(this, marker, { value: true });
    this.name = new.target.name;
    this.code = code;
    this.facts = options.facts ?? {};
    this.hint = options.hint === undefined ? undefined : printable(options.hint);
  }

  /** True for errors of any copy of this package, unlike `instanceof`. */
  static isInstance(value: unknown): value is PolywenError {
    return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[marker] === true;
  }

  /** What `--json` prints and a server answers: never a stack. */
  toJSON(): { code: string; message: string; hint?: string; facts?: ErrorFacts } {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(Object.keys(this.facts).length === 0 ? {} : { facts: this.facts }),
    };
  }
}
