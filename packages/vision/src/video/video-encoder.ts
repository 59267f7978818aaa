import type { WeightNaming } from "@polywen/core";
import type { PreparedMedium, ProgramEncoder } from "@polywen/cross-modal";
import type { ImageProcessorConfig } from "@polywen/formats";
import type { ImageOptions } from "../image-limits.ts";
import { preparePatches, towerProgram } from "../tower/image-encoder.ts";
import type { VisionTower } from "../tower/vision-tower.ts";
import { timedPieces, type StepTexts } from "./frame-times.ts";
import { preprocessVideo, type VideoInput } from "./video-processor.ts";
import type { VideoSizeRule } from "./video-size.ts";

/** What an encoder of videos needs beside its tower. */
export interface VideoEncoderOptions {
  readonly processor: ImageProcessorConfig;
  readonly naming: WeightNaming;
  readonly size: VideoSizeRule;
  /** Where each step of a video follows its time as text: what stands around its rows. Absent: a video lies in the prompt as a whole, and positions tell the time. */
  readonly timestamps?: StepTexts | undefined;
  /** Limits for decoding. */
  readonly limits?: ImageOptions["limits"];
}

/** A tower that reads videos; each step attends to itself alone. */
export function videoEncoder(tower: VisionTower, { processor, naming, size, timestamps, limits }: VideoEncoderOptions): ProgramEncoder<VideoInput> {
  return {
    ...towerProgram(tower, naming),
    async prepare(input, { signal, network }): Promise<PreparedMedium> {
      const { frames, fps, ...patches } = await preprocessVideo(input, processor, { size, signal, network, limits });
      const prepared = preparePatches(tower, patches);
      const framesPerStep = processor.temporalPatchSize;
      if (timestamps === undefined) return { ...prepared, secondsPerFrame: framesPerStep / fps };
      return { ...prepared, pieces: timedPieces(frames, framesPerStep, fps, prepared.grid!, timestamps) };
    },
  };
}
