import type { LoadWeightsOptions, ResourceSpec, WeightData } from "@polywen/tensor";
import type { PreparedMedium, PrepareOptions } from "./encoder.ts";
import { EncoderProgram, smallestMediaProgram, type EncodeOptions, type MediaEncoderParts } from "./encoder-program.ts";
import type { ModalityDefinition } from "./modality.ts";
import { prepareMedium } from "./prepare-medium.ts";
import type { ModalityWeightSource } from "./weights/modality-weights.ts";

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

  /** Loads the weights of encoder and connector. */
  static async load(definition: ModalityDefinition<unknown>, source: ModalityWeightSource, parts: MediaEncoderParts, options: LoadWeightsOptions = {}): Promise<MediaEncoder> {
    const found = await MediaEncoder.findWeights(definition, source, parts.media.map(({ spec }) => spec));
    const weights = await parts.backend.loadWeights(found, options);
    try {
      return new MediaEncoder(definition, new EncoderProgram(definition, parts, weights), true);
    } catch (error) {
      weights.dispose();
      throw error;
    }
  }

  /** The weights that `load` would load, for resources of media rows like these. */
  static async findWeights(definition: ModalityDefinition<unknown>, source: ModalityWeightSource, media: readonly ResourceSpec[]): Promise<ReadonlyMap<string, WeightData>> {
    return source.find(smallestMediaProgram(definition, media));
  }

  /** Media of another kind for the same program: only what `prepare` of that definition does is its own. Frees nothing when it is disposed of. */
  sharedWith(definition: ModalityDefinition<unknown>): MediaEncoder {
    return new MediaEncoder(definition, this.#program, false);
  }

  /** Bytes of the weights; 0 for one that shares them. */
  get weightBytes(): number {
    return this.#ownsProgram ? this.#program.weightBytes : 0;
  }

  /** Checks, decodes and preprocesses one medium: see `prepareMedium`. */
  async prepare(input: unknown, options: PrepareOptions = {}): Promise<PreparedMedium> {
    return prepareMedium(this.definition, input, options);
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
