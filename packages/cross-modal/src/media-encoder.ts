import { collectWeights, type WeightNaming } from "@polywen/core";
import { openCheckpoint, type Checkpoint } from "@polywen/formats";
import {
  InvalidArgumentError,
  LimitExceededError,
  NotFoundError,
  type LoadWeightsOptions,
  type Program,
  type ResourceSpec,
  type WeightData,
} from "@polywen/tensor";
import type { FunctionEncoder, PreparedMedium, PrepareOptions } from "./encoder.ts";
import { EncoderProgram, FEATURES, smallestMediaProgram, type EncodeOptions, type MediaEncoderParts } from "./encoder-program.ts";
import { checkInput, type BoundModality, type ModalityDefinition, type ModalityWeights } from "./modality.ts";
import { untilAborted } from "./time-slices.ts";

/** A modality of a loaded model: prepares media, runs encoder and connector as one program and leaves the result in media rows. */
export class MediaEncoder {
  readonly definition: ModalityDefinition<unknown>;
  readonly #program: EncoderProgram;
  readonly #ownsProgram: boolean;

  private constructor(definition: ModalityDefinition<unknown>, program: EncoderProgram, ownsProgram: boolean) {
    this.definition = definition;
    this.#program = program;
    this.#ownsProgram = ownsProgram;
  }

  /** Loads the weights of a modality. `checkpoint` is the model's own, for modalities that come with it. */
  static async load(
    modality: BoundModality | { readonly definition: ModalityDefinition<unknown>; readonly weights: Checkpoint },
    parts: MediaEncoderParts,
    options: LoadWeightsOptions = {},
  ): Promise<MediaEncoder> {
    const { definition } = modality;
    const found = await MediaEncoder.findWeights(modality, parts.media.map(({ spec }) => spec));
    const weights = await parts.backend.loadWeights(found, options);
    try {
      return new MediaEncoder(definition, new EncoderProgram(definition, parts, weights), true);
    } catch (error) {
      weights.dispose();
      throw error;
    }
  }

  /** The weights that `load` would load, for resources of media rows like these. */
  static async findWeights({ definition, weights }: Parameters<typeof MediaEncoder.load>[0], media: readonly ResourceSpec[]): Promise<ReadonlyMap<string, WeightData>> {
    return findWeights(weights, smallestMediaProgram(definition, media), definition);
  }

  /** Media of another kind for the same program: only what `prepare` of that definition does is its own. Frees nothing when it is disposed of. */
  sharedWith(definition: ModalityDefinition<unknown>): MediaEncoder {
    return new MediaEncoder(definition, this.#program, false);
  }

  /** Bytes of the weights; 0 for one that shares them. */
  get weightBytes(): number {
    return this.#ownsProgram ? this.#program.weightBytes : 0;
  }

  /** Checks, decodes and preprocesses one medium. Throws `LimitExceededError` if it would take too many rows. */
  async prepare(input: unknown, options: PrepareOptions = {}): Promise<PreparedMedium> {
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
  encode(prepared: PreparedMedium, slots: readonly number[], options: EncodeOptions = {}): Promise<void> {
    return this.#program.encode(prepared, slots, options);
  }

  /** Frees program and weights. */
  async dispose(): Promise<void> {
    if (this.#ownsProgram) await this.#program.dispose();
  }
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

async function prepareFeatures(encoder: FunctionEncoder<unknown>, input: unknown, definition: ModalityDefinition<unknown>, options: PrepareOptions): Promise<PreparedMedium> {
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
