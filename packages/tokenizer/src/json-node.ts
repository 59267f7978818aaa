import { InvalidFileError } from "@polywen/tensor";

/** A value inside a JSON file together with the place where it stands, so that every complaint names that place. */
export class JsonNode {
  readonly file: string;
  readonly value: unknown;
  readonly #parent: JsonNode | undefined;
  readonly #name: string;

  constructor(file: string, value: unknown, parent?: JsonNode, name = "") {
    this.file = file;
    this.value = value;
    this.#parent = parent;
    this.#name = name;
  }

  /** The JSON pointer of this value; empty for the whole file. */
  get pointer(): string {
    if (this.#parent === undefined) return "";
    return `${this.#parent.pointer}/${this.#name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  }

  /** Parses text, or takes a value that is parsed already. */
  static from(file: string, source: unknown): JsonNode {
    if (typeof source !== "string") return new JsonNode(file, source);
    try {
      return new JsonNode(file, JSON.parse(source));
    } catch (cause) {
      throw new InvalidFileError({ file, problem: "is not JSON", pointer: "" }, { cause });
    }
  }

  get isNull(): boolean {
    return this.value === undefined || this.value === null;
  }

  fail(problem: string): never {
    throw new InvalidFileError({ file: this.file, problem, pointer: this.pointer });
  }

  /** The member called `name`; its value is `undefined` if there is none. */
  member(name: string): JsonNode {
    const record = this.record();
    return this.#child(name, Object.hasOwn(record, name) ? record[name] : undefined);
  }

  record(): Record<string, unknown> {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value)) this.fail("expected an object");
    return this.value as Record<string, unknown>;
  }

  members(): [string, JsonNode][] {
    return Object.entries(this.record()).map(([name, value]) => [name, this.#child(name, value)]);
  }

  items(): JsonNode[] {
    if (!Array.isArray(this.value)) this.fail("expected an array");
    return this.value.map((value, index) => this.#child(String(index), value));
  }

  /** The element at `index` of an array. */
  item(index: number): JsonNode {
    return this.#child(String(index), Array.isArray(this.value) ? this.value[index] : undefined);
  }

  string(): string {
    if (typeof this.value !== "string") this.fail("expected a string");
    return this.value;
  }

  boolean(fallback: boolean): boolean {
    if (this.isNull) return fallback;
    if (typeof this.value !== "boolean") this.fail("expected true or false");
    return this.value;
  }

  /** An integer with `0 <= value < bound`. */
  index(bound: number): number {
    const { value } = this;
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= bound) {
      this.fail(`expected an integer from 0 to ${bound - 1}`);
    }
    return value as number;
  }

  #child(name: string, value: unknown): JsonNode {
    return new JsonNode(this.file, value, this, name);
  }
}
