export { decodeImage, defaultImageLimits, type ImageLimits, type ImageOptions, type ImageSource } from "./decode-image.ts";
export { preprocessImage, type PreprocessedImage } from "./image-processor.ts";
export type { MediaSource } from "./media-source.ts";
export { patchify, type ImagePatches, type PatchGrid, type PatchLayout } from "./patchify.ts";
export { resizeBicubic } from "./resize-bicubic.ts";
export type { RawPixels, RgbImage } from "./rgb-image.ts";
export { maxAspectRatio, smartResize, type ImageSize, type SmartResizeBounds } from "./smart-resize.ts";
