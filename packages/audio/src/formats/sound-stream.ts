import { InvalidFileError, PolywenError } from "@polywen/tensor";

/** A stretch of decoded sound. */
export interface SoundBlock {
  /** Samples of each channel, all of one length; valid until the next block is asked for. */
  readonly channels: readonly Float32Array[];
  /** Samples per second and channel. */
  readonly sampleRate: number;
}

/** Decodes a compressed file from its beginning, a few milliseconds of work at a time. Whoever has enough stops asking. */
export type SoundStream = AsyncGenerator<SoundBlock, void, undefined>;

/** A compressed sound, and how long it says it is. */
export interface OpenedSound {
  readonly stream: SoundStream;
  readonly declared?: { readonly frames: number; readonly sampleRate: number };
}

/** What decoders of `@wasm-audio-decoders` return. */
interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly errors: readonly { readonly message: string }[];
}

/** A decoder's answer as a block. Throws InvalidFileError for what the decoder could not make sense of. */
export function blockOf({ channelData, samplesDecoded, sampleRate, errors }: Decoded, file: string): SoundBlock {
  if (errors.length > 0) throw new InvalidFileError({ file, problem: `the sound is damaged (${errors[0]!.message.trim()})` });
  return { channels: channelData.map((channel) => channel.subarray(0, samplesDecoded)), sampleRate };
}

/** What a WebAssembly decoder throws for content that it was not made for becomes an InvalidFileError. */
export async function* guarded(stream: SoundStream, file: string): SoundStream {
  try {
    yield* stream;
  } catch (error) {
    if (PolywenError.isInstance(error)) throw error;
    throw new InvalidFileError({ file, problem: "the sound is damaged: its decoder gave up" }, { cause: error });
  }
}
