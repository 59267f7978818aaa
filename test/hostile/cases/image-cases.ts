import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { image, loadModel } from "polywen";
import { animatedGif, tiffOfPages } from "../../../packages/vision/src/testing.ts";
import { failure, result, type HostileCase, type Outcome, type Place } from "../hostile-case.ts";
import { animatedWebp, avifBomb, isoFile, picture, tiffBomb, webpBomb } from "../inputs/images.ts";
import { animatedPng, png, pngChunk } from "../inputs/png.ts";
import { askAbout, mediumCase, openModel } from "./model-calls.ts";

const wide = 50_000;

/** A case of one file. */
function file(id: string, input: string, name: string, bytes: () => Uint8Array | Promise<Uint8Array>, outcome?: Outcome): HostileCase {
  return mediumCase(id, input, async () => ({ [name]: await bytes() }), outcome);
}

function damaged(name: string, place: Place = "whole file"): Outcome {
  return failure("FILE_INVALID", { file: name, place });
}

async function firstHalf(bytes: Promise<Buffer>): Promise<Buffer> {
  const whole = await bytes;
  return whole.subarray(0, whole.length / 2);
}

/** A case of pictures given as data URLs. */
function urls(id: string, input: string, make: (base64: string) => readonly string[], outcome: Outcome): HostileCase {
  return {
    id,
    input,
    model: () => openModel("polywen/tiny"),
    attempts: async (_, model) => {
      const base64 = (await picture("png")).toString("base64");
      return make(base64).map((url) => () => askAbout(model, image(url)));
    },
    outcome,
  };
}

const damagedCases: readonly HostileCase[] = [
  file("63a", "an image file of 0 bytes", "a.png", () => new Uint8Array(0), damaged("a.png", { offset: 0 })),
  file("63b", "half a PNG", "a.png", () => firstHalf(picture("png")), damaged("a.png", "end of the file")),
  file("63c", "half a JPEG", "a.jpg", () => firstHalf(picture("jpeg")), damaged("a.jpg", "end of the file")),
  file("63d", "half a WebP", "a.webp", () => firstHalf(picture("webp")), damaged("a.webp", "end of the file")),
  file("63e", "a PNG with the ending .jpg", "a.jpg", () => picture("png")),
  file("63f", "text with the ending .png", "a.png", () => Buffer.from("not an image"), damaged("a.png", { offset: 0 })),
  file("63g", "a Git LFS pointer with the ending .png", "a.png", () => Buffer.from("version https://git-lfs.github.com/spec/v1\n"), damaged("a.png", { offset: 0 })),
  file("63h", "an HTML page with the ending .png", "a.png", () => Buffer.from("<!doctype html><html></html>"), damaged("a.png", { offset: 0 })),
];

const bombCases: readonly HostileCase[] = [
  file("64a", "a PNG of 1 KB that says 50,000 × 50,000", "a.png", () => png({ width: wide, height: wide, rows: new Uint8Array(1000) }), failure("LIMIT_EXCEEDED", { file: "a.png" })),
  file("64b", "a GIF that says 50,000 × 50,000", "a.gif", () => animatedGif(wide, wide, 1), failure("LIMIT_EXCEEDED", { file: "a.gif" })),
  file("64c", "a TIFF that says 50,000 × 50,000", "a.tiff", () => tiffBomb(wide, wide), failure("LIMIT_EXCEEDED", { file: "a.tiff" })),
  file("64d", "a WebP that says 16,383 × 16,383", "a.webp", webpBomb, failure("LIMIT_EXCEEDED", { file: "a.webp" })),
  file("64e", "a GIF of 10,000 frames", "a.gif", () => animatedGif(8, 8, 10_000), result("the first frame is seen", { mediaTokens: 9 })),
  file("64f", "an animated PNG of 10,000 frames", "a.png", () => animatedPng(10_000), result("the first frame is seen", { mediaTokens: 9 })),
  file("64g", "a PNG of 50 MB of zeros in 50 KB, more rows than it says", "a.png", () => png({ width: 8, height: 8, rows: new Uint8Array(50_000_000) }), result("what it says is seen; the rest is not unpacked", { mediaTokens: 9 })),
  file("64h", "a TIFF of 3000 × 3000 whose strip is not there", "a.tiff", () => tiffBomb(3000, 3000), damaged("a.tiff")),
  file("64i", "an AVIF that says 50,000 × 50,000", "a.avif", () => avifBomb(wide, wide), failure("LIMIT_EXCEEDED", { file: "a.avif" })),
  file("64j", "a TIFF of 10,000 pages", "a.tiff", () => tiffOfPages(8, 8, 10_000), result("the first page is seen", { mediaTokens: 9 })),
  file("64k", "a WebP of 10,000 frames", "a.webp", () => animatedWebp(10_000), result("the first frame is seen", { mediaTokens: 9 })),
];

const kindCases: readonly HostileCase[] = [
  file("65a", "1 × 1 pixel", "a.png", () => png({ width: 1, height: 1 })),
  file("65b", "1 × 20,000 pixels", "a.png", () => png({ width: 1, height: 20_000 }), failure("LIMIT_EXCEEDED", { says: "the limit is 200" })),
  file("65c", "3 × 5 pixels", "a.png", () => png({ width: 3, height: 5 })),
  mediumCase("66a", "16-bit channels; grey with alpha; one bit a pixel", async () => ({
    "rgb16.png": png({ width: 56, height: 56, depth: 16 }),
    "grey16.png": png({ width: 56, height: 56, depth: 16, colour: 0 }),
    "grey-alpha.png": png({ width: 56, height: 56, colour: 4 }),
    "one-bit.png": png({ width: 56, height: 56, depth: 1, colour: 0 }),
    "alpha.png": png({ width: 56, height: 56, colour: 6 }),
  })),
  mediumCase("66b", "a palette; a palette of one colour", async () => ({
    "palette.png": png({ width: 56, height: 56, colour: 3, chunks: [pngChunk("PLTE", Buffer.alloc(768))] }),
    "single.png": png({ width: 56, height: 56, colour: 3, chunks: [pngChunk("PLTE", Buffer.alloc(3))] }),
  })),
  file("66c", "a JPEG of four inks (CMYK)", "a.jpg", () => picture("jpeg", (bars) => bars.toColourspace("cmyk"))),
  file("66d", "a JPEG with a colour profile", "a.jpg", () => picture("jpeg", (bars) => bars.withIccProfile("p3"))),
  mediumCase("66e", "EXIF orientations 1 to 8", async () => {
    const entries = [1, 2, 3, 4, 5, 6, 7, 8].map(async (orientation) => [`${orientation}.jpg`, await picture("jpeg", (bars) => bars.withMetadata({ orientation }))] as const);
    return Object.fromEntries(await Promise.all(entries));
  }),
  mediumCase("67", "SVG with an external entity; SVG that refers to a file", async () => ({
    "entity.svg": Buffer.from('<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'),
    "file.svg": Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/hostname"/></svg>'),
  }), failure("UNSUPPORTED", { says: "render it to PNG" })),
  file("68a", "HEIC", "a.heic", () => isoFile("heic"), failure("UNSUPPORTED", { file: "a.heic", says: "heic-convert" })),
  file("68b", "half an AVIF", "a.avif", () => firstHalf(picture("avif")), damaged("a.avif", "end of the file")),
  file("68c", "a video (MP4) as a picture", "a.mp4", () => isoFile("isom"), failure("UNSUPPORTED", { file: "a.mp4", says: "MP4" })),
  file("68d", "a BMP", "a.bmp", () => Buffer.from("BM".padEnd(64, "\0")), failure("UNSUPPORTED", { file: "a.bmp", says: "BMP" })),
];

const sourceCases: readonly HostileCase[] = [
  urls("69a", "a data URL with line breaks, without a type, with a wrong type", (base64) => [
    `data:image/png;base64,${base64.replace(/.{60}/g, "$&\r\n")}`,
    `data:;base64,${base64}`,
    `data:image/jpeg;base64,${base64}`,
    `data:image/png;base64,${base64.replace(/=+$/, "")}`,
  ], result("answered")),
  urls("69b", "a data URL with wrong padding or other characters", (base64) => [`data:image/png;base64,${base64.slice(0, 40)}A=`, "data:image/png;base64,####"],
    failure("FILE_INVALID", { file: "the image data URL", place: "whole file", says: "base64" })),
  urls("69c", "addresses in the network and other schemes", () => ["http://127.0.0.1/x.png", "https://169.254.169.254/latest", "https://example.com/x.png"], failure("UNSUPPORTED", { says: "Fetch it yourself" })),
  {
    id: "70",
    input: "200 images in one prompt",
    model: () => openModel("polywen/tiny"),
    attempts: async (_, model) => {
      const bytes = await picture("png");
      return [() => askAbout(model, ...Array.from({ length: 200 }, () => image(bytes)))];
    },
    outcome: failure("LIMIT_EXCEEDED", { says: "is 200; the limit is 16" }),
  },
];

/** Names of this machine and of addresses that only it can reach. */
const privateHosts: readonly string[] = [
  "127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "169.254.169.254", "[fe80::1]", "10.0.0.1", "192.168.0.1",
];

const networkCases: readonly HostileCase[] = [
  {
    id: "101a",
    input: "addresses of this machine and of private networks, by all their names, where fetching is allowed",
    model: () => loadModel("polywen/tiny", { network: { allowHttp: true } }),
    attempts: (_, model) => privateHosts.flatMap((host) => [`http://${host}/x.png`, `https://${host}/x.png`]).map((url) => () => askAbout(model, image(url))),
    outcome: failure("NETWORK", { says: "not public" }),
  },
  {
    id: "101b",
    input: "other schemes, where fetching is allowed",
    model: () => loadModel("polywen/tiny", { network: {} }),
    attempts: (_, model) => ["http://example.com/x.png", "https://user:word@example.com/x.png"].map((url) => () => askAbout(model, image(url))),
    outcome: failure("NETWORK"),
  },
  {
    id: "101c",
    input: "redirects to such addresses, to a file, and without end",
    model: () => loadModel("polywen/tiny", { network: { allowHttp: true, allowPrivateAddresses: true, hosts: ["127.0.0.1"] } }),
    attempts: async (_, model) => {
      const server = createServer((request, response) => response.writeHead(302, { location: decodeURIComponent(request.url!.slice(1)) || "/" }).end()).unref();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      return ["http://169.254.169.254/latest", "http://[::1]/", "http://localhost/", "file:///etc/passwd", ""].map((target) => () => askAbout(model, image(`${origin}${encodeURIComponent(target)}`)));
    },
    outcome: failure("NETWORK"),
  },
];

/** Pictures: damaged, far too large, unusual, and by unusual ways. */
export const imageCases: readonly HostileCase[] = [...damagedCases, ...bombCases, ...kindCases, ...sourceCases, ...networkCases];
