import { readdirSync, readFileSync } from "node:fs";
import { decodeFrames, decodeImage } from "@polywen/vision";
import type { FuzzTarget } from "../fuzz-target.ts";
import { mutateBytes } from "../mutations/mutate-bytes.ts";

const fixtures = new URL("../../fixtures/images/", import.meta.url);
const goldens = new URL("../../../packages/vision/src/goldens/decode-image.json", import.meta.url);

/** Small, so that a lie about sizes costs no time here. */
const limits = { maxPixels: 1_000_000, maxVideoPixels: 2_000_000, maxFrames: 64 };

/** Image files of every format: headers, decoders, frames, and the search for what is wrong. */
export const images: FuzzTarget = {
  name: "images",
  fileName: "image",
  seeds() {
    const real = readdirSync(fixtures).filter((name) => !/\.(json|md)$/.test(name)).map((name) => readFileSync(new URL(name, fixtures)));
    const small = JSON.parse(readFileSync(goldens, "utf8")) as Readonly<Record<string, { readonly file: string }>>;
    const more = ["full-chroma.avif", "animation.webp", "lossless.webp", "palette-alpha.png", "rgba16.png", "lzw.tiff", "cmyk.tiff"];
    return [...real, ...more.map((name) => Buffer.from(small[name]!.file, "base64"))];
  },
  mutate: mutateBytes,
  prepare: async () => {},
  async attempt(folder) {
    await decodeImage(`${folder}/image`, { limits });
    await decodeFrames(`${folder}/image`, { limits });
  },
};
