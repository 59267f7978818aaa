import type { AudioInput, AudioSource, AudioWindowOptions, TimeRange } from "@polywen/audio";
import type { MediaPart } from "@polywen/cross-modal";
import type { ImageSource, VideoInput } from "@polywen/vision";

/** A piece of content: text or a medium. Order is kept. */
export type ContentPart = string | MediaPart;

/** Who speaks. */
export type Role = "system" | "user" | "assistant";

/** One turn of a conversation. */
export interface Message {
  readonly role: Role;
  readonly content: string | readonly ContentPart[];
}

/** What a model is asked: one user turn as text or parts, or a conversation. */
export type Prompt = string | readonly ContentPart[] | { readonly messages: readonly Message[] };

/** A picture: path, URL (`file:`, `data:`, and `https:` where the model was loaded with `network`), Blob, bytes of a file, a stream of them, or raw pixels. */
export function image(source: ImageSource): MediaPart {
  return { type: "medium", modality: "image", input: source };
}

/**
 * A recording, or the part of it between `from` and `to` seconds: path, URL (`file:`, `data:`, and `https:` where the model was loaded with
 * `network`), Blob, bytes of a file, a stream of them, or raw samples.
 */
export function audio(source: AudioSource, range: TimeRange = {}): MediaPart {
  const input: AudioInput = range.from === undefined && range.to === undefined ? source : { source, ...range };
  return { type: "medium", modality: "audio", input };
}

/**
 * A recording that is longer than the model takes at once, as windows that follow each other: by default 30 seconds each, what
 * Qwen2-Audio takes. Every window is a recording of its own in the prompt: `model.generate([...(await audioWindows("talk.mp3")), "Summarise this."])`.
 * Throws what decoding throws.
 */
export async function audioWindows(source: AudioSource, options: AudioWindowOptions & TimeRange = {}): Promise<MediaPart[]> {
  const { from, to, ...others } = options;
  const windows = await (await import("@polywen/audio")).audioWindows({ source, from, to }, others);
  return windows.map((window) => audio(window));
}

/** Options of `video`. */
export interface VideoOptions {
  /** Frames in a second. Default: what an animation says, else 2. */
  readonly fps?: number | undefined;
  /** What is heard meanwhile, from the first frame on: a source as `audio` takes it, or a part of one. For models that hear, too: Qwen2.5-Omni. */
  readonly sound?: AudioInput | undefined;
}

/**
 * A video as a list of its frames, pictures of one size in their order, or as one animated GIF or WebP. `fps` says how many of them
 * there are in a second, by default what the animation says, else 2, which is how densely the published models expect them. Frames
 * are never left out or added. With `sound`, model and positions see and hear at the same time; sound may be shorter or longer than the frames.
 */
export function video(frames: readonly ImageSource[] | ImageSource, { sound, ...options }: VideoOptions = {}): MediaPart {
  const part: MediaPart = { type: "medium", modality: "video", input: { frames, ...options } satisfies VideoInput };
  return sound === undefined ? part : { ...part, beside: { type: "medium", modality: "audio", input: sound } };
}
