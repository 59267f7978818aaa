import { mediaRowsNames } from "@polywen/core";
import {
  elementCount,
  InvalidArgumentError,
  ProgramBuilder,
  throwIfAborted,
  type Backend,
  type CompiledProgram,
  type LongCallOptions,
  type Program,
  type Resource,
  type ResourceSpec,
  type Sizes,
  type TensorSpec,
  type Weights,
} from "@polywen/tensor";
import type { PreparedMedium } from "./encoder.ts";
import type { ModalityDefinition } from "./modality.ts";

/** What a media encoder runs with. */
export interface MediaEncoderParts {
  readonly backend: Backend;
  /** The resources that media rows are written to, f32 [slots, hidden size]: one for each level that the text model reads. None for an encoder alone, whose rows go to `onRows` only. */
  readonly media: readonly Resource[];
}

/** Options of `MediaEncoder.encode`. */
export interface EncodeOptions extends LongCallOptions {
  /** Receives the rows [rows, hidden size] of each level; the arrays are valid during the call only. */
  readonly onRows?: ((levels: readonly Float32Array[]) => void) | undefined;
}

/** Name of the input that carries the features of a function encoder. */
export const FEATURES = "features";
const SMALLEST_CAPACITY = 64;

/** Memory of a program that is kept for the next medium. What is larger, after a huge one, is freed as soon as nobody waits for it. */
const KEPT_BYTES: number = 2 ** 28;

/**
 * Encoder and connector as one compiled program, with its weights. It is compiled for the largest sizes so far and grows in
 * powers of two, unless it is huge. Media of several modalities may share it.
 */
export class EncoderProgram {
  readonly definition: ModalityDefinition<unknown>;
  readonly #parts: MediaEncoderParts;
  readonly #weights: Weights;
  #capacities: Sizes;
  #program: CompiledProgram | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  /** Media that are encoded or wait for it. */
  #waiting = 0;

  /** Compiles the smallest program, so that what the backend cannot run is refused now and not with the first medium. */
  constructor(definition: ModalityDefinition<unknown>, parts: MediaEncoderParts, weights: Weights) {
    this.definition = definition;
    this.#parts = parts;
    this.#weights = weights;
    this.#capacities = smallestCapacities(definition);
    this.#compile();
  }

  /** Bytes of the weights. */
  get weightBytes(): number {
    return this.#weights.byteLength;
  }

  /** Encodes a prepared medium into the given slots, after those that came before it. */
  async encode(prepared: PreparedMedium, slots: readonly number[], options: EncodeOptions): Promise<void> {
    this.#waiting++;
    const run = this.#queue.then(() => this.#encode(prepared, slots, options)).finally(() => this.#leave());
    this.#queue = run.catch(() => undefined);
    return run;
  }

  /** Frees program and weights. */
  async dispose(): Promise<void> {
    await this.#queue;
    this.#program?.dispose();
    this.#weights.dispose();
  }

  async #encode(prepared: PreparedMedium, slots: readonly number[], options: EncodeOptions): Promise<void> {
    throwIfAborted(options.signal, `Encoding of ${this.definition.name}`);
    const program = this.#programFor(prepared.sizes);
    writeInputs(program, { ...prepared.inputs, slots: Int32Array.from(slots), none: new Int32Array(slots.length).fill(-1) }, prepared.sizes);
    // Replies go on while a large medium is encoded.
    await program.run(prepared.sizes, { signal: options.signal, background: true });
    const outputs = new Map(program.program.tensors.filter(({ role }) => role === "output").map(({ name, shape }) => [name, elementCount(shape, prepared.sizes)]));
    options.onRows?.(Array.from(outputs.keys(), (_, level) => program.output(`rows.${level}`, "f32").subarray(0, outputs.get(`rows.${level}`))));
  }

  /** Frees a huge program after the last medium that waited for it. */
  #leave(): void {
    this.#waiting--;
    if (this.#waiting > 0 || (this.#program?.byteLength ?? 0) <= KEPT_BYTES) return;
    this.#program?.dispose();
    this.#program = undefined;
    this.#capacities = smallestCapacities(this.definition);
  }

  #programFor(sizes: Sizes): CompiledProgram {
    const entries = Object.entries(this.#capacities);
    if (this.#program !== undefined && entries.every(([name, capacity]) => (sizes[name] ?? 0) <= capacity)) return this.#program;
    this.#capacities = Object.fromEntries(entries.map(([name, capacity]) => [name, Math.max(capacity, wholeStacks(this.definition, 2 ** Math.ceil(Math.log2(sizes[name] ?? 1))))]));
    return this.#compile();
  }

  /** The old program's memory is free before the new one takes its own. */
  #compile(): CompiledProgram {
    this.#program?.dispose();
    this.#program = undefined;
    const { backend, media } = this.#parts;
    const program = buildMediaProgram(this.definition, this.#capacities, media.map(({ spec }) => spec));
    this.#program = backend.compile(program, { weights: this.#weights, resources: Object.fromEntries(media.map((resource) => [resource.spec.name, resource])) });
    return this.#program;
  }
}

/** Names of the weights that an encoder, without connector, needs. */
export function encoderWeightNames({ name, encoder }: ModalityDefinition<unknown>): ReadonlySet<string> {
  if (encoder.kind !== "program") return new Set();
  const builder = new ProgramBuilder(name);
  encoder.build(builder, Object.fromEntries(encoder.dimensions.map((dimension) => [dimension, SMALLEST_CAPACITY])));
  return new Set(builder.build().tensors.filter(({ role }) => role === "weight").map((weight) => weight.name));
}

/** The smallest program of a modality: enough to learn which weights it needs. */
export function smallestMediaProgram(definition: ModalityDefinition<unknown>, media: readonly ResourceSpec[]): Program {
  return buildMediaProgram(definition, smallestCapacities(definition), media);
}

function smallestCapacities({ encoder, connector }: ModalityDefinition<unknown>): Sizes {
  const names = [...(encoder.kind === "program" ? encoder.dimensions : [FEATURES]), ...(connector.dimensions ?? [])];
  return Object.fromEntries(names.map((name) => [name, wholeStacks({ connector }, SMALLEST_CAPACITY)]));
}

/** A connector that joins rows needs capacities that it can divide. */
function wholeStacks({ connector: { stack } }: Pick<ModalityDefinition<unknown>, "connector">, capacity: number): number {
  return Math.ceil(capacity / stack) * stack;
}

/** Encoder, connector and the stores into media rows, if there are any, as one program. Levels that the modality does not have are zeros. */
function buildMediaProgram(definition: ModalityDefinition<unknown>, capacities: Sizes, media: readonly ResourceSpec[]): Program {
  const builder = new ProgramBuilder(definition.name);
  const { encoder, connector } = definition;
  const [slots = 0, hiddenSize = 0] = media[0]?.shape ?? [];
  const [features, ...deeper] = listOf(
    encoder.kind === "program"
      ? encoder.build(builder, capacities)
      : builder.input(FEATURES, "f32", [builder.dimension(FEATURES, capacities[FEATURES] ?? SMALLEST_CAPACITY), encoder.width]),
  );
  const levels = listOf(connector.build(builder, features!, hiddenSize, deeper, capacities));
  if (media.length === 0) {
    levels.forEach((values, level) => builder.output(`rows.${level}`, values));
    return builder.build();
  }
  if (levels.length > media.length) {
    throw new InvalidArgumentError({ argument: `${definition.name} connector`, expected: `rows for the ${media.length} levels that the text model reads`, received: levels.length });
  }
  const rows = levels[0]!;
  const target = builder.input("slots", "i32", [rows.shape[0]!]);
  const none = levels.length < media.length ? builder.input("none", "i32", [rows.shape[0]!, 1]) : undefined;
  mediaRowsNames(media.length).forEach((name, level) => {
    const values = levels[level] ?? builder.gather(rows, none!);
    builder.store(values, builder.resource(name, "f32", [slots, hiddenSize]), target);
    builder.output(`rows.${level}`, values);
  });
  return builder.build();
}

function listOf(value: TensorSpec | readonly TensorSpec[]): readonly TensorSpec[] {
  return "shape" in value ? [value] : value;
}

/** Fills every input. A missing or short one would leave what the medium before it wrote. */
function writeInputs(compiled: CompiledProgram, inputs: PreparedMedium["inputs"], sizes: Sizes): void {
  for (const { name, role, shape, dtype } of compiled.program.tensors) {
    if (role !== "input") continue;
    const values = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    const length = elementCount(shape, sizes);
    if (!(values instanceof (dtype === "f32" ? Float32Array : Int32Array)) || values.length !== length) {
      throw new InvalidArgumentError({ argument: `${compiled.program.name} input ${name}`, expected: `${length} values of ${dtype}`, received: values === undefined ? values : `${values.constructor.name} of ${values.length}` });
    }
    compiled.input(name, dtype).set(values);
  }
}
