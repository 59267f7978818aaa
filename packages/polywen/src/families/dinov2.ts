import { defineModality, identityConnector, type ModalityDefinition } from "@polywen/cross-modal";
import { NotFoundError } from "@polywen/tensor";
import { dinov2Encoder, parseDinov2Config, readSquareProcessor } from "@polywen/vision";
import type { EncoderLoader } from "./encoder-registry.ts";

/** A DINOv2 checkpoint: the class token and the patches of a picture, after the last norm. */
export const dinov2: EncoderLoader = async (folder, media) => {
  const config = parseDinov2Config(folder.config, folder.configPath);
  const { preprocessorConfig } = folder.files;
  if (preprocessorConfig === undefined) throw new NotFoundError({ what: "File", name: "preprocessor_config.json", where: folder.path }, { hint: "It says how a picture becomes the patches that the encoder reads." });
  const encoder = dinov2Encoder(config, { processor: await readSquareProcessor(preprocessorConfig), ...(media.image === undefined ? {} : { limits: media.image }) });
  return defineModality({ name: "image", encoder, connector: identityConnector() }).definition as ModalityDefinition<unknown>;
};
