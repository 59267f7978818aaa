import { audioCases } from "./cases/audio-cases.ts";
import { compressedAudioCases } from "./cases/compressed-audio-cases.ts";
import { imageCases } from "./cases/image-cases.ts";
import { modalityCases } from "./cases/modality-cases.ts";
import { videoCases } from "./cases/video-cases.ts";
import { describeCases } from "./describe-cases.ts";

describeCases({ images: imageCases, videos: videoCases, audio: [...audioCases, ...compressedAudioCases], "modalities of users": modalityCases });
