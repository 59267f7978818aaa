import type { MediaEncoder, NetworkAccess } from "@polywen/cross-modal";
import { DisposedError, type Backend, type DeviceInfo } from "@polywen/tensor";
import type { MediumTrace } from "./compute-logits.ts";

/** What an encoder made of a medium. */
export interface EncodedMedium extends MediumTrace {
  /** Values of a row: `features` is [rows, width]. */
  readonly width: number;
}

/** Facts about a loaded encoder. */
export interface EncoderInfo {
  /** `model_type` of config.json. */
  readonly modelType: string;
  readonly path: string;
  /** What it encodes: `audio`, `image`. */
  readonly modality: string;
  readonly backend: string;
  readonly device: DeviceInfo;
  /** Bytes of weights. */
  readonly weightBytes: number;
  /** What a user should know, in whole sentences. */
  readonly warnings: readonly string[];
}

/** What an `EncoderModel` is made of. */
export interface EncoderModelParts {
  readonly modelType: string;
  readonly path: string;
  readonly encoder: MediaEncoder;
  readonly backend: Backend;
  readonly ownsBackend: boolean;
  readonly network: NetworkAccess | undefined;
  readonly warnings: readonly string[];
}

/** An encoder without a text model. Calls may run at the same time; they take turns. `dispose()` aborts them and frees everything. */
export class EncoderModel {
  readonly #parts: EncoderModelParts;
  readonly #shutdown = new AbortController();
  #disposal: Promise<void> | undefined;

  /** Use `loadEncoder`. */
  constructor(parts: EncoderModelParts) {
    this.#parts = parts;
  }

  /** Facts about this encoder. */
  get info(): EncoderInfo {
    const { modelType, path, backend, encoder, warnings } = this.#parts;
    return { modelType, path, modality: encoder.definition.name, backend: backend.name, device: backend.device, weightBytes: encoder.weightBytes, warnings };
  }

  /**
   * Turns a medium into features, [rows, width]: `await encoder.encode("speech.wav")`. Takes the sources that `audio()` or `image()`
   * take. Throws what decoding throws, and AbortedError.
   */
  async encode(source: unknown, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<EncodedMedium> {
    if (this.#disposal !== undefined) throw new DisposedError({ object: "EncoderModel" });
    const { encoder, network } = this.#parts;
    const signal = AbortSignal.any([this.#shutdown.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    const prepared = await encoder.prepare(source, { signal, network });
    let levels: readonly Float32Array[] = [];
    await encoder.encode(prepared, [], { signal, onRows: (rows) => (levels = rows.map((level) => level.slice())) });
    const [features, ...deeper] = levels as [Float32Array, ...Float32Array[]];
    return { ...prepared, modality: encoder.definition.name, features, deeper, width: features.length / prepared.rows };
  }

  /** Aborts what runs and frees everything. May be called twice. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #dispose(): Promise<void> {
    const { encoder, backend, ownsBackend } = this.#parts;
    this.#shutdown.abort();
    await encoder.dispose();
    if (ownsBackend) await backend.dispose();
  }
}
