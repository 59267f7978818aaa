import type { AudioOptions } from "@polywen/audio";
import type { TextModel } from "@polywen/core";
import type { LayoutRule, ModalityDefinition } from "@polywen/cross-modal";
import type { ModelFolder } from "@polywen/formats";
import type { ImageLimits } from "@polywen/vision";

/** How a medium stands in a prompt. */
export interface MediumPlace {
  /** Token id that stands for its rows. */
  readonly placeholder: number;
  /** Special tokens that the chat template puts around the placeholder. */
  readonly before: string;
  readonly after: string;
  /** Name of the modality of which a medium may run beside one of this: the layout of the family weaves them. Absent: none. */
  readonly weaves?: string | undefined;
  /** Words that the template writes around those; `earlier` media of the kind came before this one. Absent: none. */
  readonly label?: ((earlier: number) => { readonly before: string; readonly after: string }) | undefined;
}

/** A modality that comes with a published checkpoint. */
export interface NativeModality extends MediumPlace {
  readonly definition: ModalityDefinition<unknown>;
  /** Name of the modality, listed before this one, whose encoder and connector it runs with. Absent: it has its own. */
  readonly sharedWith?: string | undefined;
}

/** A published architecture put together: a text model and the adapters that came with it. */
export interface Family {
  readonly text: TextModel;
  readonly layout: LayoutRule;
  readonly modalities: readonly NativeModality[];
}

/** What users may set about media. */
export interface MediaOptions {
  /** Limits on pictures and on the frames of videos, checked before they are decoded. */
  readonly image?: Partial<ImageLimits>;
  /** Limits on recordings. */
  readonly audio?: AudioOptions["limits"];
  /** A recording longer than the model takes: an error (default), or cut as transformers does. */
  readonly overlongAudio?: AudioOptions["overlong"];
}

/** Reads the configuration of a folder and puts the family together; no weights are read. */
export type FamilyLoader = (folder: ModelFolder, media: MediaOptions) => Promise<Family>;

/** Reads the configuration of a folder and puts an encoder together that stands alone; no weights are read. */
export type EncoderLoader = (folder: ModelFolder, media: MediaOptions) => Promise<ModalityDefinition<unknown>>;
