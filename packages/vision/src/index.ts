export { decodeImage, defaultImageLimits, type ImageLimits, type ImageOptions, type ImageSource } from "./decode-image.ts";
export { preprocessImage, type PreprocessedImage } from "./image-processor.ts";
export { patchify, type ImagePatches, type PatchGrid, type PatchLayout } from "./patchify.ts";
export { resizeBicubic } from "./resize-bicubic.ts";
export type { RawPixels, RgbImage } from "./rgb-image.ts";
export { maxAspectRatio, smartResize, type ImageSize, type SmartResizeBounds } from "./smart-resize.ts";
export { parseQwen25VisionConfig, type Qwen25VisionConfig } from "./qwen25/qwen25-vision-config.ts";
export { patchMerger } from "./qwen25/patch-merger.ts";
export { qwen25VisionEncoder, type Qwen25VisionEncoderOptions } from "./qwen25/qwen25-vision-encoder.ts";
