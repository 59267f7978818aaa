import { defineModality, identityConnector, type ModalityDefinition } from "@polywen/cross-modal";
import { dinov2Encoder, parseDinov2Config, readSquareProcessor } from "@polywen/vision";
import { requirePreprocessor } from "./config-place.ts";
import type { EncoderLoader } from "./family.ts";

/** A DINOv2 checkpoint: the class token and the patches of a picture, after the last norm. */
export const dinov2: EncoderLoader = async (folder, media) => {
  const config = parseDinov2Config(folder.config, folder.configPath);
  const processor = await readSquareProcessor(requirePreprocessor(folder.files.preprocessorConfig, folder));
  const encoder = dinov2Encoder(config, { processor, ...(media.image === undefined ? {} : { limits: media.image }) });
  return defineModality({ name: "image", encoder, connector: identityConnector() }).definition as ModalityDefinition<unknown>;
};
