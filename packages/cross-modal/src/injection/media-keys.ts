import { buildCrossProjection, crossKeyResources, crossProjectionNames, type CrossAttention, type CrossItem, type CrossMedia, type StepLimits } from "@polywen/core";
import { PAGE_ROWS, type Backend, type CompiledProgram, type LoadWeightsOptions, type LongCallOptions, type Program, type Resource, type ResourceSpec, type WeightData, type Weights } from "@polywen/tensor";
import { WaitingPool } from "../waiting-pool.ts";
import type { ModalityWeightSource } from "../weights/modality-weights.ts";

/** What keys of media are computed with. */
export interface MediaKeysParts {
  readonly backend: Backend;
  /** The resources of media rows; keys are computed from the first, f32 [slots, hidden size]. */
  readonly media: readonly Resource[];
  readonly kvDType: StepLimits["kvDType"];
  /** Of the norms of the text model. */
  readonly epsilon: number;
}

/** A medium whose rows lie in media slots, and the first row of the prompt that comes after it. */
export interface PlacedMedium {
  readonly from: number;
  readonly slots: readonly number[];
}

/** Keys and values of a prompt's media, and what gives their pages back. */
export interface HeldKeys {
  readonly media: CrossMedia;
  release(): void;
}

/** Media rows of one run. */
const RUN_ROWS = 256;

/**
 * Keys and values of the media of one modality, for all its blocks of cross-attention: computed once for a prompt and read
 * by all its steps. Media of a prompt lie one after the other in pages that are its own, so that any number of neighbours is
 * one span; what is shared between prompts is their rows, not their keys.
 */
export class MediaKeys {
  readonly cross: CrossAttention;
  /** Resources that a step reads. */
  readonly resources: readonly Resource[];
  readonly #weights: Weights;
  readonly #program: CompiledProgram;
  readonly #pages: WaitingPool;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(cross: CrossAttention, resources: readonly Resource[], weights: Weights, program: CompiledProgram) {
    this.cross = cross;
    this.resources = resources;
    this.#weights = weights;
    this.#program = program;
    this.#pages = new WaitingPool(cross.pages, "pages of media");
  }

  /** Loads the weights of a projection and takes the memory of keys and values. */
  static async load(cross: CrossAttention, source: ModalityWeightSource, parts: MediaKeysParts, options: LoadWeightsOptions = {}): Promise<MediaKeys> {
    const { backend, media } = parts;
    const rows = media[0]!;
    const program = projectionOf(cross, parts, rows.spec);
    const weights = await backend.loadWeights(await MediaKeys.findWeights(cross, source, parts, rows.spec), options);
    const created: Resource[] = [];
    try {
      for (const spec of crossKeyResources(cross, parts.kvDType)) created.push(backend.createResource(spec));
      const resources = Object.fromEntries([rows, ...created].map((resource) => [resource.spec.name, resource]));
      return new MediaKeys(cross, created, weights, backend.compile(program, { weights, resources }));
    } catch (error) {
      for (const object of [...created, weights]) object.dispose();
      throw error;
    }
  }

  /** The weights that `load` would load. */
  static async findWeights(cross: CrossAttention, source: ModalityWeightSource, parts: Pick<MediaKeysParts, "kvDType" | "epsilon">, media: Pick<ResourceSpec, "shape">): Promise<ReadonlyMap<string, WeightData>> {
    return source.find(projectionOf(cross, parts, media));
  }

  /** Bytes of the weights, and of keys and values. */
  get memory(): { readonly weights: number; readonly keys: number } {
    return { weights: this.#weights.byteLength, keys: this.resources.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  }

  /** Computes keys and values of a prompt's media, in order; waits while other prompts hold too many pages. */
  async hold(media: readonly PlacedMedium[], options: LongCallOptions = {}): Promise<HeldKeys> {
    const rows = media.flatMap(({ slots }) => slots);
    const pages = await this.#pages.take(Math.ceil(rows.length / PAGE_ROWS), options.signal);
    const release = (): void => this.#pages.release(pages);
    try {
      await this.#project(rows, pages, options);
    } catch (error) {
      release();
      throw error;
    }
    let end = 0;
    const items = media.map(({ from, slots }): CrossItem => ({ from, begin: end, end: (end += slots.length) }));
    return { media: { pages, items }, release };
  }

  /** Frees program, weights and memory. */
  async dispose(): Promise<void> {
    await this.#queue;
    this.#program.dispose();
    for (const resource of this.resources) resource.dispose();
    this.#weights.dispose();
  }

  #project(rows: readonly number[], pages: readonly number[], options: LongCallOptions): Promise<void> {
    const run = this.#queue.then(async () => {
      for (let first = 0; first < rows.length; first += RUN_ROWS) await this.#run(rows.slice(first, first + RUN_ROWS), first, pages, options);
    });
    this.#queue = run.catch(() => undefined);
    return run;
  }

  async #run(rows: readonly number[], first: number, pages: readonly number[], { signal }: LongCallOptions): Promise<void> {
    const input = (name: string): Int32Array => this.#program.input(name, "i32");
    input(crossProjectionNames.rows).set(rows);
    const slots = input(crossProjectionNames.slots);
    rows.forEach((_, index) => (slots[index] = pages[Math.floor((first + index) / PAGE_ROWS)]! * PAGE_ROWS + ((first + index) % PAGE_ROWS)));
    await this.#program.run({ rows: rows.length }, { signal, background: true });
  }
}

function projectionOf(cross: CrossAttention, { kvDType, epsilon }: Pick<MediaKeysParts, "kvDType" | "epsilon">, { shape }: Pick<ResourceSpec, "shape">): Program {
  return buildCrossProjection(cross, { limits: { kvDType, mediaSlots: shape[0]! }, hiddenSize: shape[1]!, epsilon, rows: RUN_ROWS });
}
