import type { AudioSource } from "@polywen/audio";
import type { MediaPart } from "@polywen/cross-modal";
import type { ImageSource } from "@polywen/vision";

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

/** A recording: path, URL (`file:`, `data:`, and `https:` where the model was loaded with `network`), Blob, bytes of a file, a stream of them, or raw samples. */
export function audio(source: AudioSource): MediaPart {
  return { type: "medium", modality: "audio", input: source };
}
