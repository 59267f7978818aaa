import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { MediaBytes } from "@polywen/cross-modal";

/** The formats that are decoded, as errors name them. */
export type ImageFormat = "PNG" | "JPEG" | "WebP" | "GIF" | "TIFF" | "AVIF";

const decoded: readonly ImageFormat[] = ["PNG", "JPEG", "WebP", "GIF", "TIFF", "AVIF"];

/** First bytes (as latin-1 text) of formats that are recognised, decoded or not. */
const signatures: readonly (readonly [start: string, format: string])[] = [
  ["\x89PNG\r\n\x1a\n", "PNG"],
  ["\xff\xd8\xff", "JPEG"],
  ["GIF87a", "GIF"],
  ["GIF89a", "GIF"],
  ["II*\0", "TIFF"],
  ["MM\0*", "TIFF"],
  ["II+\0", "TIFF"],
  ["MM\0+", "TIFF"],
  ["BM", "BMP"],
  ["\0\0\x01\0", "ICO"],
  ["8BPS", "Photoshop"],
  ["%PDF", "PDF"],
  ["\xff\x0a", "JPEG XL"],
  ["\0\0\0\x0cJXL ", "JPEG XL"],
  ["\0\0\0\x0cjP  ", "JPEG 2000"],
];

const hints: Readonly<Record<string, string>> = {
  SVG: "SVG can refer to files and the network and is not drawn; render it to PNG first.",
  HEIC: "HEIC needs a codec that is not free; convert it first, for instance with the npm package heic-convert.",
};

/**
 * Recognises an image by its content, so that only decoders which were chosen ever see it.
 * Throws UnsupportedError for images of other formats, and InvalidFileError for everything else.
 */
export function recogniseImage({ bytes, name }: MediaBytes): ImageFormat {
  const head = headOf(bytes);
  const format = formatOf(head);
  const known = decoded.find((candidate) => candidate === format);
  if (known !== undefined) return known;
  const hint = format === undefined ? undefined : hints[format];
  if (format !== undefined) throw new UnsupportedError({ feature: `${name}: the image format ${format}`, supported: decoded }, hint === undefined ? {} : { hint });
  throw new InvalidFileError({ file: name, problem: `this is ${describe(head)}, not a ${decoded.join(", ")} image`, offset: 0 });
}

/** Formats that are recognised beside images, to name them in errors. */
const others: readonly string[] = ["MP4", "PDF"];

/** True if the content is that of an image format, decoded or not. Files that are no image may be something else of use. */
export function isImage(bytes: Uint8Array): boolean {
  const format = formatOf(headOf(bytes));
  return format !== undefined && !others.includes(format);
}

function headOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString("latin1");
}

function formatOf(head: string): string | undefined {
  if (head.startsWith("RIFF") && head.startsWith("WEBP", 8)) return "WebP";
  if (head.startsWith("ftyp", 4)) return formatOfBrands(head);
  if (/^(\xef\xbb\xbf)?\s*</.test(head) && /<svg[\s>]/i.test(head)) return "SVG";
  return signatures.find(([start]) => head.startsWith(start))?.[1];
}

/** ISO base media files list their brands, four letters each, in the box `ftyp` at the start. */
function formatOfBrands(head: string): string {
  const length = (head.charCodeAt(2) << 8) | head.charCodeAt(3);
  const brands = head.slice(8, Math.min(length, 256)).match(/.{4}/gs) ?? [];
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return "AVIF";
  return brands.some((brand) => /^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand)) ? "HEIC" : "MP4";
}

function describe(head: string): string {
  if (head.startsWith("version https://git-lfs")) return "a Git LFS pointer";
  if (/^\s*<(!doctype html|html)/i.test(head)) return "an HTML page";
  return "unknown content";
}
