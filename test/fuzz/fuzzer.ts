import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PolywenError } from "polywen";
import type { FuzzTarget } from "./fuzz-target.ts";
import { Random } from "./random.ts";

/** An input that did what none may do. */
export interface Finding {
  readonly problem: string;
  readonly bytes: Buffer;
  /** Of the bytes: the start of their SHA-256. */
  readonly name: string;
}

/** Milliseconds of processor time that an input may take. */
const timeLimit = 2000;

/** Bytes that the process may occupy at most; its heap alone may take 256 MiB. */
const memoryLimit = 2 ** 30;

/** Inputs kept because they led to something new. */
const poolLimit = 2000;

/** Makes inputs for one target, from seeds and from inputs that had an outcome of their own, and looks what comes of them. */
export class Fuzzer {
  readonly target: FuzzTarget;
  /** Told before each input is tried. */
  onInput: () => void = () => {};
  readonly #folder: string;
  readonly #random: Random;
  readonly #seeds: readonly Buffer[];
  readonly #pool: Buffer[];
  readonly #outcomes = new Map<string, number>();
  #executions = 0;

  /** Use `createFuzzer`. */
  constructor(target: FuzzTarget, folder: string, seed: number, kept: readonly Buffer[]) {
    this.target = target;
    this.#folder = folder;
    this.#random = new Random(seed);
    this.#seeds = target.seeds();
    this.#pool = [...this.#seeds, ...kept];
  }

  get executions(): number {
    return this.#executions;
  }

  /** How often each outcome came: `opens`, or the error without what is particular to an input. */
  get outcomes(): ReadonlyMap<string, number> {
    return this.#outcomes;
  }

  /** Tries one new input. */
  async next(): Promise<Finding | undefined> {
    const source = this.#random.pick(this.#random.once(2) ? this.#seeds : this.#pool);
    const bytes = this.target.mutate(source, this.#random, this.#random.pick(this.#pool));
    const before = this.#outcomes.size;
    const finding = await this.try(bytes);
    if (this.#outcomes.size > before && this.#pool.length < poolLimit && bytes.length < 2 ** 18) this.#pool.push(Buffer.from(bytes));
    return finding;
  }

  /** Tries these bytes. */
  async try(bytes: Buffer): Promise<Finding | undefined> {
    await writeFile(join(this.#folder, this.target.fileName), bytes);
    this.onInput();
    this.#executions++;
    const started = process.cpuUsage();
    const outcome = await this.target.attempt(this.#folder).then(() => "opens", (error: unknown) => this.#judge(error));
    const { user, system } = process.cpuUsage(started);
    const milliseconds = (user + system) / 1000;
    const problem =
      typeof outcome !== "string" ? outcome.problem
      : milliseconds > timeLimit ? `it takes ${milliseconds} ms: ${outcome}`
      : process.resourceUsage().maxRSS * 1024 > memoryLimit ? `more than ${memoryLimit} bytes are occupied: ${outcome}`
      : undefined;
    if (typeof outcome === "string") this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    return problem === undefined ? undefined : { problem, bytes, name: createHash("sha256").update(bytes).digest("hex").slice(0, 12) };
  }

  async close(): Promise<void> {
    await this.target.close?.();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The kind of an error, or what is wrong with it. */
  #judge(error: unknown): string | { problem: string } {
    if (!PolywenError.isInstance(error)) return { problem: error instanceof Error ? `${error.stack}` : String(error) };
    const { code, message, facts } = error;
    if (message.length > 2000) return { problem: `a message of ${message.length} characters: ${message.slice(0, 200)}` };
    // A file could steer the terminal that shows the message.
    if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(message)) return { problem: `control characters in a message: ${JSON.stringify(message)}` };
    const aboutFile = code === "FILE_INVALID" || code === "LIMIT_EXCEEDED" || code === "UNSUPPORTED";
    if (aboutFile && !message.includes(this.#folder) && !String(facts["file"]).includes(this.#folder)) return { problem: `no file is named: ${code} ${message}` };
    const kind = message.replaceAll(this.#folder, "").replace(/"[^"]*"|\/[^ ]*|\[[^\]]*\]|[\d.]+/g, "…").slice(0, 120);
    return `${code} ${kind}`;
  }
}

/** Prepares a folder for a target. `kept` are further inputs to start from. */
export async function createFuzzer(target: FuzzTarget, seed: number, kept: readonly Buffer[]): Promise<Fuzzer> {
  const folder = await mkdtemp(join(tmpdir(), `polywen-fuzz-${target.name}-`));
  await target.prepare(folder);
  return new Fuzzer(target, folder, seed, kept);
}
