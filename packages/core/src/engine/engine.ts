import { kvResourceSpecs, IndexPool, pagesFor, SequencePages, type KvDType } from "@polywen/kv-cache";
import { DisposedError, InvalidArgumentError, LimitExceededError, PAGE_ROWS, PolywenError, TOP_LOGPROBS, type Backend, type CompiledProgram, type Program, type Resource, type Weights } from "@polywen/tensor";
import type { CrossAttention } from "../cross-attention/cross-attention.ts";
import { stepNames, type StepLimits, type TextModel } from "../text-model.ts";
import type { EngineRequest, GeneratedToken, RowValues } from "./engine-request.ts";
import { Sequence } from "./sequence.ts";
import { planStep, type StepPart } from "./step-plan.ts";
import { StepWriter } from "./step-writer.ts";
import { TokenStream } from "./token-stream.ts";

/** How much an engine computes and holds at once. */
export interface EngineOptions {
  /** Tokens of all prompts and replies that the cache holds. Default: the context length, at most 8192. */
  readonly cacheTokens?: number;
  /** Precision of the cache. Default `bf16`. */
  readonly kvDType?: KvDType;
  /** Tokens computed in one step. Default 256. */
  readonly rowsPerStep?: number;
  /** Sequences computed together. Default 8. */
  readonly maxSequences?: number;
}

/** What an engine is made of. */
export interface EngineParts {
  readonly backend: Backend;
  readonly model: TextModel;
  /** The model's step, built with the engine's limits. */
  readonly program: Program;
  readonly weights: Weights;
  /** Media rows that prompts may refer to, one resource for each level that the model reads. */
  readonly media?: readonly Resource[] | undefined;
  /** Keys and values of media for cross-attention: those of `crossKeyResources`. */
  readonly cross?: readonly Resource[] | undefined;
}

/** Capacities for a model; its step program is built from them. */
export function stepLimits(model: TextModel, options: EngineOptions, mediaSlots: number, cross: readonly CrossAttention[] = []): StepLimits {
  const cacheTokens = options.cacheTokens ?? Math.min(model.contextLength, 8192);
  const sequences = options.maxSequences ?? 8;
  for (const [argument, received] of Object.entries({ cacheTokens, maxSequences: sequences, rowsPerStep: options.rowsPerStep ?? 1 })) {
    if (!Number.isSafeInteger(received) || received < 1) throw new InvalidArgumentError({ argument, expected: "a positive integer", received });
  }
  const rows = Math.max(options.rowsPerStep ?? 256, sequences);
  return { rows, sequences, outputs: Math.max(sequences, 16), pages: pagesFor(cacheTokens), kvDType: options.kvDType ?? "bf16", mediaSlots, cross };
}

/**
 * Runs many generations over one model: each step computes one ragged batch of prompt chunks and single rows.
 * A token's result never depends on what else is in the batch.
 */
export class Engine {
  readonly model: TextModel;
  readonly limits: StepLimits;
  readonly #resources: readonly Resource[];
  readonly #program: CompiledProgram;
  readonly #writer: StepWriter;
  readonly #outputs: StepOutputs;
  readonly #pool: IndexPool;
  readonly #waiting: Sequence[] = [];
  #active: Sequence[] = [];
  #loop: Promise<void> | undefined;
  #disposal: Promise<void> | undefined;

  constructor(parts: EngineParts, limits: StepLimits) {
    this.model = parts.model;
    this.limits = limits;
    this.#pool = new IndexPool(limits.pages, "pages");
    const created: Resource[] = [];
    try {
      for (const spec of kvResourceSpecs({ ...parts.model.kv, dtype: limits.kvDType }, limits.pages)) created.push(parts.backend.createResource(spec));
      const resources = Object.fromEntries([...created, ...(parts.media ?? []), ...(parts.cross ?? [])].map((resource) => [resource.spec.name, resource]));
      this.#program = parts.backend.compile(parts.program, { weights: parts.weights, resources });
    } catch (error) {
      for (const resource of created) resource.dispose();
      throw error;
    }
    this.#resources = created;
    this.#writer = new StepWriter(this.#program, parts.model, limits);
    this.#outputs = stepOutputs(this.#program);
  }

  /** Tokens of one prompt and its reply: what the model was made for, or what the cache holds if that is less. */
  get contextTokens(): number {
    return Math.min(this.model.contextLength, this.cacheTokens);
  }

  /** Tokens of all prompts and replies that the cache holds. */
  get cacheTokens(): number {
    return this.limits.pages * PAGE_ROWS;
  }

  /** Bytes of keys and values, and of the step's buffers. */
  get memory(): { readonly cache: number; readonly step: number } {
    return { cache: this.#resources.reduce((sum, resource) => sum + resource.byteLength, 0), step: this.#program.byteLength };
  }

  /**
   * Starts a generation. Throws `LimitExceededError` if prompt and reply cannot fit the cache, `InvalidArgumentError`
   * for an empty prompt or a bad count.
   */
  generate(request: EngineRequest): TokenStream {
    if (this.#disposal !== undefined) throw new DisposedError({ object: "Engine" });
    const stream = new TokenStream(() => sequence.finish("aborted"));
    const sequence = new Sequence(request, stream);
    this.#check(sequence);
    this.#waiting.push(sequence);
    this.#loop ??= this.#run();
    return stream;
  }

  /** Ends all generations as aborted and frees the cache. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    // The loop sees `#disposal` on its next turn; without a loop there is nothing to end.
    await this.#loop;
    this.#program.dispose();
    for (const resource of this.#resources) resource.dispose();
  }

  #check(sequence: Sequence): void {
    const { maxTokens, prompt, promptRows } = sequence.request;
    const positions = sequence.promptLength * this.model.positionAxes;
    if (prompt.positions.length !== positions) throw new InvalidArgumentError({ argument: "prompt.positions", expected: `${this.model.positionAxes} for each token`, received: prompt.positions });
    if (sequence.promptLength === 0) throw new InvalidArgumentError({ argument: "prompt", expected: "at least one token", received: prompt.ids });
    if (!Number.isSafeInteger(maxTokens) || maxTokens < 0) throw new InvalidArgumentError({ argument: "maxTokens", expected: "a non-negative integer", received: maxTokens });
    if (promptRows !== undefined && !(promptRows.from >= 0 && promptRows.from < sequence.promptLength)) {
      throw new InvalidArgumentError({ argument: "promptRows.from", expected: `a row below ${sequence.promptLength}`, received: promptRows.from });
    }
    const stranger = prompt.ids.find((id, row) => id >= this.model.vocabularySize || (id < 0 && (prompt.mediaIndex?.[row] ?? -1) < 0));
    if (stranger !== undefined) throw new InvalidArgumentError({ argument: "prompt", expected: `token ids below ${this.model.vocabularySize}`, received: stranger });
    const foreign = [...(prompt.cross?.keys() ?? [])].find((name) => !this.limits.cross.some(({ modality }) => modality === name));
    if (foreign !== undefined) throw new InvalidArgumentError({ argument: "prompt.cross", expected: "modalities that this model attends to", received: foreign });
    const limit = this.cacheTokens;
    if (sequence.rowsNeeded > limit) {
      throw new LimitExceededError(
        { what: `The prompt of ${sequence.promptLength} tokens with ${maxTokens} to generate`, limit, received: sequence.rowsNeeded, unit: "tokens" },
        { hint: "Shorten the prompt, ask for fewer tokens, or load the model with a larger cacheTokens." },
      );
    }
  }

  /** Steps until nothing is left to do. Starts on the next turn, so that requests made together share the first step. */
  async #run(): Promise<void> {
    await Promise.resolve();
    try {
      for (;;) {
        this.#retire();
        this.#admit();
        const parts = planStep(this.#active, this.limits);
        if (parts.length === 0) break;
        await this.#step(parts);
      }
    } catch (error) {
      // A fault of our own: nobody may be left waiting for it.
      for (const sequence of [...this.#waiting, ...this.#active]) sequence.finish("aborted", error);
    } finally {
      this.#loop = undefined;
    }
  }

  /** Drops what ended, was abandoned or aborted. */
  #retire(): void {
    for (const sequence of [...this.#waiting, ...this.#active]) {
      if (this.#disposal !== undefined || sequence.request.signal?.aborted === true) sequence.finish("aborted");
    }
    this.#active = this.#active.filter((sequence) => sequence.stream.finish === undefined);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter((sequence) => sequence.stream.finish === undefined));
  }

  /** First come, first served: nothing overtakes a sequence that waits for pages. */
  #admit(): void {
    while (this.#active.length < this.limits.sequences) {
      const next = this.#waiting[0];
      if (next === undefined || pagesFor(next.rowsNeeded) > this.#pool.free) return;
      next.pages = new SequencePages(this.#pool, next.rowsNeeded);
      this.#active.push(next);
      this.#waiting.shift();
    }
  }

  async #step(parts: readonly StepPart[]): Promise<void> {
    try {
      await this.#program.run(this.#writer.write(parts));
    } catch (error) {
      for (const { sequence } of blamedParts(parts, error)) sequence.finish("aborted", error);
      return;
    }
    let output = 0;
    for (const part of parts) {
      try {
        this.#deliver(part, output);
      } catch (error) {
        // What a caller's own callback throws is that caller's affair.
        part.sequence.finish("aborted", error);
      }
      output += part.outputs.length;
    }
  }

  #deliver({ sequence, first, count, outputs }: StepPart, firstOutput: number): void {
    sequence.cached += count;
    const { promptRows, maxTokens } = sequence.request;
    if (promptRows !== undefined && first < sequence.promptLength) outputs.forEach((row, index) => promptRows.receive(first + row, this.#rowValues(firstOutput + index)));
    if (sequence.stream.finish !== undefined || sequence.cached < sequence.ids.length) return;
    if (maxTokens === 0) sequence.finish("length");
    else sequence.accept(this.#token(firstOutput + outputs.length - 1, sequence.request.sampling.topLogprobs));
  }

  #rowValues(output: number): RowValues {
    const { logits, hidden } = this.#outputs;
    const rowOf = (values: Float32Array, width: number): Float32Array => values.subarray(output * width, (output + 1) * width);
    return { logits: rowOf(logits, this.model.vocabularySize), hidden: rowOf(hidden, this.model.hiddenSize) };
  }

  #token(output: number, topCount: number): GeneratedToken {
    const { token, logprob, topTokens, topLogprobs } = this.#outputs;
    const top = Array.from({ length: topCount }, (_, index) => output * TOP_LOGPROBS + index).filter((at) => topTokens[at]! >= 0);
    return {
      id: token[output]!,
      logprob: logprob[output]!,
      top: top.map((at) => ({ id: topTokens[at]!, logprob: topLogprobs[at]! })),
    };
  }
}

/** Whose fault it is that a step failed: one's own where its logits are no numbers, else nobody's, which is everybody's. The others try again. */
function blamedParts(parts: readonly StepPart[], error: unknown): readonly StepPart[] {
  if (!PolywenError.isInstance(error) || error.code !== "NUMERICAL") return parts;
  let last = -1;
  const blamed = parts.find(({ outputs }) => (last += outputs.length) >= Number(error.facts["row"]));
  return blamed === undefined ? parts : [blamed];
}

type StepOutputs = ReturnType<typeof stepOutputs>;

/** The output buffers of a step; looked up once, because the next step writes to the same ones. */
function stepOutputs(program: CompiledProgram) {
  return {
    hidden: program.output(stepNames.hidden, "f32"),
    logits: program.output(stepNames.logits, "f32"),
    token: program.output(stepNames.token, "i32"),
    logprob: program.output(stepNames.logprob, "f32"),
    topTokens: program.output(stepNames.topTokens, "i32"),
    topLogprobs: program.output(stepNames.topLogprobs, "f32"),
  };
}
