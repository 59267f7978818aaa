import { InvalidFileError, TextList, UnsupportedError } from "@polywen/tensor";
import { jsonPointer } from "../json-pointer.ts";
import type { GgufValue } from "./gguf-value.ts";

/** The hyperparameters of an architecture: metadata keys with its name in front. Remembers which were asked for. */
export class GgufFields {
  readonly #metadata: ReadonlyMap<string, GgufValue>;
  readonly #prefix: string;
  readonly #file: string;
  readonly #known = new Set<string>();

  constructor(metadata: ReadonlyMap<string, GgufValue>, architecture: string, file: string) {
    this.#metadata = metadata;
    this.#prefix = `${architecture}.`;
    this.#file = file;
  }

  /** A positive integer; an array, as for fields that may differ by layer, must hold one number throughout. */
  integer(key: string): number {
    return this.optionalInteger(key) ?? this.fail(key, "this key is missing");
  }

  /** As `integer`, undefined if the file does not have it. */
  optionalInteger(key: string): number | undefined {
    const value = this.#shared(key);
    if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value > 0)) return value;
    return this.fail(key, "a positive integer is expected");
  }

  /** A positive, finite number. */
  positive(key: string): number {
    return this.optionalPositive(key) ?? this.fail(key, "this key is missing");
  }

  /** As `positive`, undefined if the file does not have it. */
  optionalPositive(key: string): number | undefined {
    const value = this.#shared(key);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value) && value > 0)) return value;
    return this.fail(key, "a positive number is expected");
  }

  /** A text, undefined if the file does not have it. */
  text(key: string): string | undefined {
    const value = this.#get(key);
    return value === undefined || typeof value === "string" ? value : this.fail(key, "a text is expected");
  }

  /** A truth value; false if the file does not have it. */
  flag(key: string): boolean {
    const value = this.#get(key) ?? false;
    return typeof value === "boolean" ? value : this.fail(key, "true or false is expected");
  }

  /** A list of numbers that are at least `least`, undefined if the file does not have it. Truth values count as 0 and 1. */
  optionalNumbers(key: string, least: number): number[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || value instanceof TextList) return this.fail(key, "a list of numbers is expected");
    const numbers = Array.from(value as Iterable<number | bigint | boolean>, Number);
    return numbers.every((number) => Number.isFinite(number) && number >= least) ? numbers : this.fail(key, `numbers of at least ${least} are expected`);
  }

  /** As `optionalNumbers`, for a list that must be there. */
  numbers(key: string, least: number): number[] {
    return this.optionalNumbers(key, least) ?? this.fail(key, "this key is missing");
  }

  /** Refuses a field with a value that Polywen does not compute with; the file need not have it. */
  only(key: string, ...values: readonly GgufValue[]): void {
    const value = this.#shared(key);
    if (value === undefined || values.includes(value)) return;
    throw new UnsupportedError({ feature: `${this.#file}: ${this.#prefix}${key} = ${String(value)}`, supported: values.map(String) });
  }

  /** Fields that make no difference to what is computed. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#known.add(this.#prefix + key);
  }

  /** Whoever does not know a hyperparameter would compute something else than the model. Throws `UnsupportedError`. */
  refuseOthers(): void {
    const other = [...this.#metadata.keys()].find((key) => key.startsWith(this.#prefix) && !this.#known.has(key));
    if (other === undefined) return;
    throw new UnsupportedError({ feature: `${this.#file}: the hyperparameter ${other}` }, { hint: "This release does not know what it means for the model." });
  }

  fail(key: string, problem: string): never {
    throw new InvalidFileError({ file: this.#file, problem, pointer: jsonPointer([this.#prefix + key]) });
  }

  #get(key: string): GgufValue | undefined {
    this.#known.add(this.#prefix + key);
    return this.#metadata.get(this.#prefix + key);
  }

  #shared(key: string): GgufValue | undefined {
    const value = this.#get(key);
    if (typeof value !== "object") return value;
    if (value instanceof TextList) return this.fail(key, "one value for all layers is expected");
    const first = value[0];
    const shared = first !== undefined && (value as readonly GgufValue[]).every((item) => item === first);
    return shared ? first : this.fail(key, "one value for all layers is expected");
  }
}
