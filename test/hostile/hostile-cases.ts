import { audioCases } from "./cases/audio-cases.ts";
import { compressedAudioCases } from "./cases/compressed-audio-cases.ts";
import { configCases } from "./cases/config-cases.ts";
import { ggufCases } from "./cases/gguf-cases.ts";
import { mmprojCases } from "./cases/mmproj-cases.ts";
import { imageCases } from "./cases/image-cases.ts";
import { modalityCases } from "./cases/modality-cases.ts";
import { promptCases } from "./cases/prompt-cases.ts";
import { quantisedCases } from "./cases/quantised-cases.ts";
import { videoCases } from "./cases/video-cases.ts";
import { weightCases } from "./cases/weight-cases.ts";
import type { HostileCase } from "./hostile-case.ts";

/** The table of bad inputs, by what they are. */
export const hostileTable: Readonly<Record<string, readonly HostileCase[]>> = {
  GGUF: ggufCases,
  "Projectors of GGUF": mmprojCases,
  Weights: weightCases,
  "Quantised weights": quantisedCases,
  "Configuration, tokenizer, template": configCases,
  "Prompts and options": promptCases,
  Images: imageCases,
  Videos: videoCases,
  Audio: [...audioCases, ...compressedAudioCases],
  "Modalities of users": modalityCases,
};

/** All rows of the table. */
export const hostileCases: readonly HostileCase[] = Object.values(hostileTable).flat();
