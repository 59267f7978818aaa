import { collectWeights, MEDIA_ROWS, type WeightNaming } from "@polywen/core";
import { openCheckpoint, type Checkpoint } from "@polywen/formats";
import {
  elementCount,
  InvalidArgumentError,
  LimitExceededError,
  NotFoundError,
  ProgramBuilder,
  throwIfAborted,
  type Backend,
  type CompiledProgram,
  type LoadWeightsOptions,
  type LongCallOptions,
  type Program,
  type Resource,
  type ResourceSpec,
  type Sizes,
  type WeightData,
  type Weights,
} from "@polywen/tensor";
import type { FunctionEncoder, PreparedMedium } from "./encoder.ts";
import { untilAborted } from "./time-slices.ts";
import { checkInput, type BoundModality, type ModalityDefinition, type ModalityWeights } from "./modality.ts";

/** What a media encoder runs with. */
export interface MediaEncoderParts {
  readonly backend: Backend;
  /** The resource that media rows are written to: f32 [slots, hidden size]. */
  readonly media: Resource;
}

/** Options of `MediaEncoder.encode`. */
export interface EncodeOptions extends LongCallOptions {
  /** Receives the rows [rows, hidden size]; the array is valid during the call only. */
  readonly onRows?: ((rows: Float32Array) => void) | undefined;
}

/** Name of the input that carries the features of a function encoder. */
const FEATURES = "features";
const SMALLEST_CAPACITY = 64;

/** Memory of a program that is kept for the next medium. What is larger, after a huge one, is freed as soon as nobody waits for it. */
const KEPT_BYTES: number = 2 ** 28;

/**
 * A modality of a loaded model: prepares media, runs encoder and connector as one program and leaves the result in
 * media rows. The program is compiled for the largest sizes so far and grows in powers of two, unless it is huge.
 */
export class MediaEncoder {
  readonly definition: ModalityDefinition<unknown>;
  readonly #parts: MediaEncoderParts;
  readonly #weights: Weights;
  #capacities: Sizes;
  #program: CompiledProgram | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  /** Media that are encoded or wait for it. */
  #waiting = 0;

  private constructor(definition: ModalityDefinition<unknown>, parts: MediaEncoderParts, weights: Weights) {
    this.definition = definition;
    this.#parts = parts;
    this.#weights = weights;
    this.#capacities = smallestCapacities(definition);
  }

  /** Loads the weights of a modality. `checkpoint` is the model's own, for modalities that come with it. */
  static async load(
    modality: BoundModality | { readonly definition: ModalityDefinition<unknown>; readonly weights: Checkpoint },
    parts: MediaEncoderParts,
    options: LoadWeightsOptions = {},
  ): Promise<MediaEncoder> {
    const { definition } = modality;
    const weights = await MediaEncoder.findWeights(modality, parts.media.spec);
    const encoder = new MediaEncoder(definition, parts, await parts.backend.loadWeights(weights, options));
    try {
      // What the backend cannot run is refused now and not with the first medium.
      encoder.#compile();
      return encoder;
    } catch (error) {
      await encoder.dispose();
      throw error;
    }
  }

  /** The weights that `load` would load, for a resource of media rows like this one. */
  static async findWeights({ definition, weights }: Parameters<typeof MediaEncoder.load>[0], media: ResourceSpec): Promise<ReadonlyMap<string, WeightData>> {
    return findWeights(weights, buildMediaProgram(definition, smallestCapacities(definition), media), definition);
  }

  /** Bytes of the weights. */
  get weightBytes(): number {
    return this.#weights.byteLength;
  }

  /** Checks, decodes and preprocesses one medium. Throws `LimitExceededError` if it would take too many rows. */
  async prepare(input: unknown, options: LongCallOptions = {}): Promise<PreparedMedium> {
    const { definition } = this;
    const checked = await checkInput(definition, input);
    const { encoder } = definition;
    const prepared = encoder.kind === "program" ? await encoder.prepare(checked, options) : await prepareFeatures(encoder, checked, definition, options);
    const limit = definition.limits?.maxRows ?? 16_384;
    if (prepared.rows > limit) throw new LimitExceededError({ what: `The number of rows of this ${definition.name}`, limit, received: prepared.rows });
    if (prepared.grid !== undefined && prepared.grid.reduce((product, length) => product * length) !== prepared.rows) {
      throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: `a grid of ${prepared.rows} rows`, received: prepared.grid.join(" × ") });
    }
    if (prepared.rows < 1) throw new InvalidArgumentError({ argument: definition.name, expected: "a medium of at least one row", received: prepared.rows });
    return prepared;
  }

  /** Encodes a prepared medium into the given slots. */
  async encode(prepared: PreparedMedium, slots: readonly number[], options: EncodeOptions = {}): Promise<void> {
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
    writeInputs(program, { ...prepared.inputs, slots: Int32Array.from(slots) }, prepared.sizes);
    await program.run(prepared.sizes, options);
    options.onRows?.(program.output("rows", "f32").subarray(0, prepared.rows * this.#parts.media.spec.shape[1]!));
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
    this.#capacities = Object.fromEntries(entries.map(([name, capacity]) => [name, Math.max(capacity, 2 ** Math.ceil(Math.log2(sizes[name] ?? 1)))]));
    return this.#compile();
  }

  /** The old program's memory is free before the new one takes its own. */
  #compile(): CompiledProgram {
    this.#program?.dispose();
    this.#program = undefined;
    const program = buildMediaProgram(this.definition, this.#capacities, this.#parts.media.spec);
    this.#program = this.#parts.backend.compile(program, { weights: this.#weights, resources: { [MEDIA_ROWS]: this.#parts.media } });
    return this.#program;
  }
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

/** Encoder, connector and the store into media rows as one program. */
function buildMediaProgram(definition: ModalityDefinition<unknown>, capacities: Sizes, media: Resource["spec"]): Program {
  const builder = new ProgramBuilder(definition.name);
  const { encoder, connector } = definition;
  const [slots = 0, hiddenSize = 0] = media.shape;
  const features =
    encoder.kind === "program"
      ? encoder.build(builder, capacities)
      : builder.input(FEATURES, "f32", [builder.dimension(FEATURES, capacities[FEATURES] ?? SMALLEST_CAPACITY), encoder.width]);
  const rows = connector.build(builder, features, hiddenSize);
  builder.store(rows, builder.resource(MEDIA_ROWS, "f32", [slots, hiddenSize]), builder.input("slots", "i32", [rows.shape[0]!]));
  builder.output("rows", rows);
  return builder.build();
}

/** The smallest program of a modality: enough to learn which weights it needs. */
function smallestCapacities({ encoder }: ModalityDefinition<unknown>): Sizes {
  const names = encoder.kind === "program" ? encoder.dimensions : [FEATURES];
  return Object.fromEntries(names.map((name) => [name, SMALLEST_CAPACITY]));
}

async function findWeights(source: ModalityWeights | Checkpoint, program: Program, definition: ModalityDefinition<unknown>): Promise<ReadonlyMap<string, WeightData>> {
  const { encoder, connector } = definition;
  const derived = encoder.kind === "program" ? encoder.derived : undefined;
  if (source instanceof Map) return takeWeights(source, program, definition.name, derived);
  const naming: WeightNaming = (name) => (encoder.kind === "program" ? encoder.naming?.(name) : undefined) ?? connector.naming?.(name);
  const checkpoint = typeof source === "string" ? await openCheckpoint(source) : (source as Checkpoint);
  return collectWeights([program], checkpoint, naming, derived);
}

/** Picks the program's weights from tensors in memory. */
function takeWeights(given: ReadonlyMap<string, WeightData>, program: Program, modality: string, derived?: ReadonlyMap<string, WeightData>): ReadonlyMap<string, WeightData> {
  return new Map(
    program.tensors.filter(({ role }) => role === "weight").map(({ name, shape }) => {
      const weight = derived?.get(name) ?? given.get(name);
      if (weight === undefined) throw new NotFoundError({ what: "Tensor", name, where: `the weights of modality ${modality}`, nearest: [...given.keys()].slice(0, 3) });
      if (weight.shape.join() !== shape.join()) {
        throw new InvalidArgumentError({ argument: `${modality} weight ${name}`, expected: `shape [${shape.join(", ")}]`, received: `shape [${weight.shape.join(", ")}]` });
      }
      return [name, weight];
    }),
  );
}

async function prepareFeatures(encoder: FunctionEncoder<unknown>, input: unknown, definition: ModalityDefinition<unknown>, options: LongCallOptions): Promise<PreparedMedium> {
  const { features, rows } = await untilAborted(encoder.encode(input, options), options.signal, `Encoding of ${definition.name}`);
  if (!(features instanceof Float32Array)) throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: "features as a Float32Array", received: features });
  if (!Number.isSafeInteger(rows) || features.length !== rows * encoder.width) {
    throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: `rows × ${encoder.width} features`, received: `${features.length} features for ${rows} rows` });
  }
  if (!allFinite(features)) throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: "finite features", received: "NaN or infinity" });
  const mediaRows = Math.floor(rows / definition.connector.stack);
  const used = mediaRows * definition.connector.stack;
  return { rows: mediaRows, sizes: { [FEATURES]: used }, inputs: { [FEATURES]: features.subarray(0, used * encoder.width) } };
}

/** A plain loop: a callback for every value would hold up the event loop for long features. */
function allFinite(values: Float32Array): boolean {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index])) return false;
  return true;
}
