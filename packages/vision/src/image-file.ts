import type { Metadata, Sharp, SharpOptions } from "sharp";
import { readMediaSource, untilAborted, type MediaBytes, type MediaSource } from "@polywen/cross-modal";
import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import { locateDamage } from "./image-damage.ts";
import { recogniseImage, type ImageFormat } from "./image-format.ts";
import { limitsOf, requireSize, type ImageOptions } from "./image-limits.ts";
import { turnUpright, xmpOrientation } from "./orientation.ts";
import { rgbFromCmyk, rgbFromPixels, type RawPixels, type RgbImage } from "./rgb-image.ts";

const operation = "Decoding an image";

/** Colour spaces, as libvips names them, that have a defined way to RGB here. */
const colourSpaces: readonly string[] = ["b-w", "srgb", "rgb", "grey16", "rgb16", "cmyk"];

/** Damage is an error, profiles are ignored, and the limits of the decoders themselves stay on. */
const openOptions: SharpOptions = { failOn: "error", ignoreIcc: true, unlimited: false };

type OpenImage = (bytes: Uint8Array, options: SharpOptions) => Sharp;

/**
 * An encoded image whose header has been read and found to be within the limits. sharp (libvips) decodes; it is imported with the
 * first file, so that text and raw pixels work where it cannot be installed.
 */
export class ImageFile {
  readonly name: string;
  readonly format: ImageFormat;
  /** Of the first page. */
  readonly header: Metadata;
  readonly #open: OpenImage;
  readonly #bytes: Uint8Array;
  readonly #options: ImageOptions;

  private constructor(open: OpenImage, medium: MediaBytes, format: ImageFormat, header: Metadata, options: ImageOptions) {
    this.#open = open;
    this.#bytes = medium.bytes;
    this.#options = options;
    this.name = medium.name;
    this.format = format;
    this.header = header;
  }

  /** Reads the source and the header of its first page. Throws as `decodeImage` says. */
  static async open(source: MediaSource, options: ImageOptions): Promise<ImageFile> {
    const { signal, network } = options;
    const medium = await readMediaSource(source, { what: "image", maxBytes: limitsOf(options).maxBytes, signal, network });
    const format = recogniseImage(medium);
    const open = await loadSharp();
    const header = await untilAborted(readHeader(open, medium, format, 0), signal, operation);
    const file = new ImageFile(open, medium, format, header, options);
    file.#check(header);
    return file;
  }

  /** Pages or frames that the file holds. */
  get pages(): number {
    return this.header.pages ?? 1;
  }

  /** Decodes one page, upright. Throws as `decodeImage` says; the header of a later page is checked first. */
  async decodePage(page: number): Promise<RgbImage> {
    const header = page === 0 ? this.header : await this.#untilAborted(readHeader(this.#open, this.#medium, this.format, page));
    this.#check(header);
    const { maxPixels } = limitsOf(this.#options);
    const image = this.#open(this.#bytes, { ...openOptions, page, pages: 1, limitInputPixels: maxPixels }).autoOrient();
    const pixels = await this.#untilAborted(this.#pixels(image, header.space === "cmyk"));
    // libvips turns by EXIF.
    return header.orientation === undefined ? turnUpright(pixels, orientationOf(header), this.#options.signal) : pixels;
  }

  /** Decodes all pages of one size at once, below each other: animations are stored as differences, and pages alone would be decoded again and again. */
  async decodeAllPages(): Promise<RgbImage> {
    const { maxVideoPixels } = limitsOf(this.#options);
    // libvips shows what there is of a truncated GIF.
    const damage = this.format === "GIF" ? locateDamage(this.#bytes, this.format) : undefined;
    if (damage !== undefined) throw new InvalidFileError({ file: this.name, ...damage });
    const image = this.#open(this.#bytes, { ...openOptions, pages: -1, limitInputPixels: maxVideoPixels });
    return this.#untilAborted(this.#pixels(image, false));
  }

  get #medium(): MediaBytes {
    return { bytes: this.#bytes, name: this.name };
  }

  /** libvips cannot be interrupted: an abort returns at once, and the limits bound what still runs. */
  #untilAborted<T>(work: Promise<T>): Promise<T> {
    return untilAborted(work, this.#options.signal, operation);
  }

  #check(header: Metadata): void {
    requireSize(header, this.name, limitsOf(this.#options));
    const { space, depth } = header;
    const depthFits = depth === "uchar" || (depth === "ushort" && space !== "cmyk");
    if (!colourSpaces.includes(space)) throw new UnsupportedError({ feature: `${this.name}: the colour space ${space}`, supported: colourSpaces });
    if (!depthFits) throw new UnsupportedError({ feature: `${this.name}: channels of the type ${depth}`, supported: ["8 bits", "16 bits"] });
  }

  async #pixels(image: Sharp, isCmyk: boolean): Promise<RgbImage> {
    // Inks in and inks out: otherwise libvips would convert them by a colour profile of its own.
    const pipeline = isCmyk ? image.pipelineColourspace("cmyk").toColourspace("cmyk") : image.toColourspace("srgb");
    try {
      const { data, info } = await pipeline.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
      if (isCmyk) return rgbFromCmyk(data, info.width, info.height);
      return rgbFromPixels({ data, width: info.width, height: info.height, channels: info.channels as RawPixels["channels"] });
    } catch (error) {
      throw refusal(this.#medium, this.format, error);
    }
  }
}

/** From 1 to 8, as EXIF counts: by EXIF, else by XMP, as Pillow reads it. */
export function orientationOf({ orientation, xmpAsString }: Metadata): number {
  return orientation ?? xmpOrientation(xmpAsString);
}

async function loadSharp(): Promise<OpenImage> {
  try {
    const { default: sharp } = await import("sharp");
    return sharp;
  } catch (error) {
    throw new UnsupportedError(
      { feature: "Decoding image files without the package sharp" },
      { hint: "Install sharp for this platform, or pass raw pixels.", cause: error },
    );
  }
}

async function readHeader(open: OpenImage, medium: MediaBytes, format: ImageFormat, page: number): Promise<Metadata> {
  try {
    return await open(medium.bytes, { ...openOptions, page, pages: 1, limitInputPixels: false }).metadata();
  } catch (error) {
    throw refusal(medium, format, error);
  }
}

/** What libvips says of files in order that it was not built to read. */
const unsupportedKinds = /not configured|not supported|not a whole number of bytes|bad labq/;

function refusal({ bytes, name }: MediaBytes, format: ImageFormat, cause: unknown): InvalidFileError | UnsupportedError {
  const damage = locateDamage(bytes, format);
  const isUnsupported = damage === undefined && cause instanceof Error && unsupportedKinds.test(cause.message);
  if (isUnsupported) return new UnsupportedError({ feature: `${name}: this kind of ${format}` }, { cause, hint: "Convert it first, for instance to PNG." });
  return new InvalidFileError({ file: name, ...(damage ?? { problem: `the ${format} data is damaged or of a kind that cannot be decoded` }) }, { cause });
}
