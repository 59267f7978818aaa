import { TimeSlices } from "@polywen/cross-modal";
import type { RgbImage } from "./rgb-image.ts";

/** Place of the pixel that is seen at (x, y) in an image that is stored as w × h pixels, for the values of the EXIF tag from 2 to 8. */
const places: Readonly<Record<number, (x: number, y: number, w: number, h: number) => readonly [x: number, y: number]>> = {
  2: (x, y, w) => [w - 1 - x, y],
  3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
  4: (x, y, _, h) => [x, h - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _, h) => [y, h - 1 - x],
  7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
  8: (x, y, w) => [w - 1 - y, x],
};

/** The orientation that XMP states, as attribute or element `tiff:Orientation`; 1, upright, if it states none. */
export function xmpOrientation(xmp: string | undefined): number {
  return Number(/tiff:Orientation(?:="|>)([1-8])/.exec(xmp ?? "")?.[1] ?? 1);
}

/** Turns and mirrors an image as its EXIF orientation (1 to 8) asks for. Runs in slices. Throws AbortedError. */
export async function turnUpright(image: RgbImage, orientation: number, signal?: AbortSignal): Promise<RgbImage> {
  const place = places[orientation];
  if (place === undefined) return image;
  const slices = new TimeSlices("Turning an image", signal);
  const [width, height] = orientation < 5 ? [image.width, image.height] : [image.height, image.width];
  const data = new Uint8Array(image.data.length);
  for (let y = 0, to = 0; y < height; y++) {
    if (slices.over) await slices.next();
    for (let x = 0; x < width; x++, to += 3) {
      const [fromX, fromY] = place(x, y, image.width, image.height);
      const from = (fromY * image.width + fromX) * 3;
      data[to] = image.data[from]!;
      data[to + 1] = image.data[from + 1]!;
      data[to + 2] = image.data[from + 2]!;
    }
  }
  return { data, width, height };
}
