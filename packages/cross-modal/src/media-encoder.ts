import { collectWeights, MEDIA_ROWS, type WeightNaming } from "@polywen/core";
import { openCheckpoint, type Checkpoint } from "@polywen/formats";
import {
  InvalidArgumentError,
  LimitExceededError,
  NotFoundError,
  ProgramBuilder,
  type Backend,
  type CompiledProgram,
  type LoadWeightsOptions,
  type LongCallOptions,
  type Program,
  type Resource,
  type Sizes,
  type WeightData,
  type Weights,
} from "@polywen/tensor";
import type { FunctionEncoder, PreparedMedium } from "./encoder.ts";
import { checkInput, type BoundModality, type ModalityDefinition, type ModalityWeights } from "./modality.ts";

/** What a media encoder runs with. */
export interface MediaEncoderParts {
  readonly backend: Backend;
  /** The resource that media rows are written to: f32 [slots, hidden size]. */
  readonly media: Resource;
}

/** Name of the input that carries the features of a function encoder. */
const FEATURES = "features";
const SMALLEST_CAPACITY = 64;

/**
 * A modality of a loaded model: prepares media, runs encoder and connector as one program and leaves the result in
 * media rows. The program is compiled for the largest medium so far and grows in powers of two.
 */
export class MediaEncoder {
  readonly definition: ModalityDefinition<unknown>;
  readonly #parts: MediaEncoderParts;
  readonly #weights: Weights;
  #program: CompiledProgram | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(definition: ModalityDefinition<unknown>, parts: MediaEncoderParts, weights: Weights) {
    this.definition = definition;
    this.#parts = parts;
    this.#weights = weights;
  }

  /** Loads the weights of a modality. `checkpoint` is the model's own, for modalities that come with it. */
  static async load(
    modality: BoundModality | { readonly definition: ModalityDefinition<unknown>; readonly weights: Checkpoint },
    parts: MediaEncoderParts,
    options: LoadWeightsOptions = {},
  ): Promise<MediaEncoder> {
    const { definition } = modality;
    const program = buildMediaProgram(definition, smallestCapacities(definition), parts.media.spec);
    const weights = await findWeights(modality.weights, program, definition);
    return new MediaEncoder(definition, parts, await parts.backend.loadWeights(weights, options));
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
    if (prepared.rows < 1) throw new InvalidArgumentError({ argument: definition.name, expected: "a medium of at least one row", received: prepared.rows });
    return prepared;
  }

  /** Encodes a prepared medium into the given slots. Returns the rows [rows, hidden size], a copy. */
  async encode(prepared: PreparedMedium, slots: readonly number[], options: LongCallOptions = {}): Promise<Float32Array> {
    const run = this.#queue.then(() => this.#encode(prepared, slots, options));
    this.#queue = run.catch(() => undefined);
    return run;
  }

  /** Frees program and weights. */
  async dispose(): Promise<void> {
    await this.#queue;
    this.#program?.dispose();
    this.#weights.dispose();
  }

  async #encode(prepared: PreparedMedium, slots: readonly number[], options: LongCallOptions): Promise<Float32Array> {
    const program = this.#programFor(prepared.sizes);
    for (const [name, values] of Object.entries(prepared.inputs)) {
      if (values instanceof Float32Array) program.input(name, "f32").set(values);
      else program.input(name, "i32").set(values);
    }
    program.input("slots", "i32").set(slots);
    await program.run(prepared.sizes, options);
    const width = this.#parts.media.spec.shape[1]!;
    return program.output("rows", "f32").slice(0, prepared.rows * width);
  }

  #programFor(sizes: Sizes): CompiledProgram {
    const fits = this.#program?.program.dimensions.every(({ name, capacity }) => (sizes[name] ?? 0) <= capacity);
    if (this.#program !== undefined && fits === true) return this.#program;
    this.#program?.dispose();
    const capacities = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, 2 ** Math.ceil(Math.log2(Math.max(size, SMALLEST_CAPACITY)))]));
    const program = buildMediaProgram(this.definition, capacities, this.#parts.media.spec);
    this.#program = this.#parts.backend.compile(program, { weights: this.#weights, resources: { [MEDIA_ROWS]: this.#parts.media } });
    return this.#program;
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
  const { features, rows } = await encoder.encode(input, options);
  if (!Number.isSafeInteger(rows) || features.length !== rows * encoder.width) {
    throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: `rows × ${encoder.width} features`, received: `${features.length} features for ${rows} rows` });
  }
  if (!features.every(Number.isFinite)) throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: "finite features", received: "NaN or infinity" });
  const mediaRows = Math.floor(rows / definition.connector.stack);
  const used = mediaRows * definition.connector.stack;
  return { rows: mediaRows, sizes: { [FEATURES]: used }, inputs: { [FEATURES]: features.subarray(0, used * encoder.width) } };
}
