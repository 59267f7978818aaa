import { writeFile, mkdtemp, rm, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deflateSync, crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "./decode-image.ts";
import { readGoldens, seededNoise, type DecodedGolden } from "./testing.ts";

const goldens = readGoldens<Readonly<Record<string, DecodedGolden>>>("decode-image");
const fileOf = (name: string): Buffer => Buffer.from(goldens[name]!.file, "base64");
const exact = Object.keys(goldens).filter((name) => name !== "grey16.png" && !name.endsWith(".avif"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polywen-vision-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("decodeImage, against Pillow", () => {
  it.each(exact)("%s: equal pixels", async (name) => {
    const image = await decodeImage(fileOf(name));
    expect([image.width, image.height]).toEqual([goldens[name]!.width, goldens[name]!.height]);
    expect(Buffer.from(image.data).toString("base64")).toBe(goldens[name]!.rgb);
  });

  it("grey16.png: the upper byte, where Pillow clips", async () => {
    const { data } = await decodeImage(fileOf("grey16.png"));
    const upper = seededNoise(19 * 13, 11);
    expect([...data]).toEqual([...upper].flatMap((level) => [level, level, level]));
  });

  it("full-chroma.avif: within one level, by another conversion from YCbCr", async () => {
    const image = await decodeImage(fileOf("full-chroma.avif"));
    const expected = Buffer.from(goldens["full-chroma.avif"]!.rgb, "base64");
    expect(image.data.length).toBe(expected.length);
    for (const [index, level] of expected.entries()) expect(Math.abs(level - image.data[index]!)).toBeLessThanOrEqual(1);
  });
});

describe("decodeImage, sources", () => {
  const bytes = fileOf("rgb.png");
  const expected = goldens["rgb.png"]!.rgb;
  const pixelsOf = async (source: Parameters<typeof decodeImage>[0]): Promise<string> => Buffer.from((await decodeImage(source)).data).toString("base64");

  it("reads a path whatever its extension, a file: URL, a Blob", async () => {
    const path = join(folder, "picture.jpg");
    await writeFile(path, bytes);
    for (const source of [path, pathToFileURL(path), pathToFileURL(path).href, new Blob([bytes], { type: "image/webp" })]) {
      expect(await pixelsOf(source)).toBe(expected);
    }
  });

  it("reads data URLs with line breaks, without padding, without a type or with a wrong one", async () => {
    const base64 = bytes.toString("base64");
    const broken = base64.replace(/.{60}/g, "$&\r\n");
    const bare = base64.replace(/=+$/, "");
    for (const content of [`image/png;base64,${base64}`, `;base64,${broken}`, `image/gif;base64,${bare}`, `;base64,${encodeURIComponent(base64)}`]) {
      expect(await pixelsOf(`data:${content}`)).toBe(expected);
    }
    expect(await pixelsOf(new URL(`data:image/png;base64,${base64}`))).toBe(expected);
  });

  it.each(["data:;base64,iVBOR*", "data:;base64,A", "data:;base64,AA=", "data:;base64,%ZZ", "data:image/png", "data:;base64,"])("refuses %s", async (source) => {
    await expect(decodeImage(source)).rejects.toMatchObject({ code: "FILE_INVALID", facts: { file: "the image data URL" } });
  });

  it("takes raw pixels of one to four channels, and checks them", async () => {
    const grey = { data: Uint8Array.of(7, 9), width: 2, height: 1, channels: 1 as const };
    expect([...(await decodeImage(grey)).data]).toEqual([7, 7, 7, 9, 9, 9]);
    const alpha = { data: Uint8Array.of(10, 0, 10, 255), width: 2, height: 1, channels: 2 as const };
    expect([...(await decodeImage(alpha)).data]).toEqual([255, 255, 255, 10, 10, 10]);
    for (const wrong of [{ width: 3 }, { height: 0 }, { channels: 5 as 4 }, { width: Number.NaN }, { data: [1, 2] as unknown as Uint8Array }]) {
      await expect(decodeImage({ ...grey, ...wrong })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    }
  });

  it("refuses the network, with a hint", async () => {
    for (const source of ["https://example.com/a.png", new URL("http://127.0.0.1/"), new URL("ftp://example.com/a.png")]) {
      await expect(decodeImage(source)).rejects.toMatchObject({ code: "UNSUPPORTED", hint: expect.stringContaining("pass the bytes") });
    }
  });

  it("names what is not there, a folder, and values of other types", async () => {
    const missing = join(folder, "missing.png");
    await expect(decodeImage(missing)).rejects.toMatchObject({ code: "NOT_FOUND", facts: { name: missing } });
    await mkdir(join(folder, "folder.png"));
    await expect(decodeImage(join(folder, "folder.png"))).rejects.toMatchObject({ code: "FILE_INVALID" });
    await expect(decodeImage("/dev/null")).rejects.toMatchObject({ code: expect.stringMatching("FILE_INVALID|NOT_FOUND") });
    await expect(decodeImage("a\0b")).rejects.toMatchObject({ code: "FILE_ACCESS" });
    for (const source of ["", 5, null, {}]) {
      await expect(decodeImage(source as string)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    }
  });

  it("is aborted before it starts and while it decodes", async () => {
    await expect(decodeImage(bytes, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
    const controller = new AbortController();
    const decoding = decodeImage(bytes, { signal: controller.signal });
    controller.abort();
    await expect(decoding).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("decodeImage, bad files", () => {
  const truncatable = ["rgb.png", "subsampling2.jpg", "progressive.jpg", "lossy.webp", "palette.gif", "rgb.tiff", "lzw.tiff", "full-chroma.avif"];

  it.each(truncatable)("%s: every truncation is an error", async (name) => {
    const whole = fileOf(name);
    // The last bytes of GIF and WebP files may be padding or an end mark.
    for (let part = 0; part < 16; part++) {
      const bytes = whole.subarray(0, Math.floor((whole.length * part) / 16));
      await expect(decodeImage(bytes)).rejects.toMatchObject({ code: "FILE_INVALID", facts: { file: "the image bytes" } });
    }
  });

  it("survives flipped bytes with pixels or a typed error", async () => {
    for (const name of truncatable) {
      const noise = seededNoise(80, name.length);
      for (let round = 0; round < 20; round++) {
        const bytes = Buffer.from(fileOf(name));
        for (let flip = 0; flip < 4; flip++) bytes[(noise[round * 4 + flip]! * 256 + round * 7) % bytes.length]! ^= 1 << (flip * 2);
        await decodeImage(bytes).catch((error: unknown) => {
          expect(["FILE_INVALID", "UNSUPPORTED", "LIMIT_EXCEEDED"]).toContain((error as { code: string }).code);
        });
      }
    }
  });

  it.each([
    ["SVG", '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>'],
    ["HEIC", "\0\0\0\x18ftypheic\0\0\0\0mif1heic"],
    ["MP4", "\0\0\0\x18ftypisom\0\0\0\0isomavc1"],
    ["BMP", "BM\0\0\0\0"],
    ["PDF", "%PDF-1.7"],
    ["JPEG XL", "\xff\x0a\0\0"],
  ])("does not decode %s, and says so", async (format, head) => {
    await expect(decodeImage(Buffer.from(head, "latin1"))).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining(format) });
  });

  it.each([
    ["an HTML page", "<!DOCTYPE html><html>"],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n"],
    ["unknown content", "hello"],
  ])("recognises %s", async (what, head) => {
    await expect(decodeImage(Buffer.from(head))).rejects.toMatchObject({ code: "FILE_INVALID", message: expect.stringContaining(what) });
  });

  it("refuses bombs by their header", async () => {
    await expect(decodeImage(pngOf(50_000, 50_000))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 50_000 } });
    await expect(decodeImage(pngOf(20_000, 20_000))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 4e8 } });
    await expect(decodeImage(pngOf(30, 20), { limits: { maxPixels: 599 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 599 } });
    await expect(decodeImage(fileOf("rgb.png"), { limits: { maxBytes: 100 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
    const path = join(folder, "large.png");
    await writeFile(path, fileOf("rgb.png"));
    await expect(decodeImage(path, { limits: { maxBytes: 100 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { file: path } });
    const raw = { data: new Uint8Array(12), width: 2, height: 2, channels: 3 as const };
    await expect(decodeImage(raw, { limits: { maxPixels: 3 } })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });
});

/** A PNG whose header promises a size and whose data has one row of 1 bit a pixel. */
function pngOf(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const chunks = [["IHDR", header], ["IDAT", deflateSync(Buffer.alloc(1 + Math.ceil(width / 8)))], ["IEND", Buffer.alloc(0)]] as const;
  const parts = chunks.map(([kind, content]) => {
    const body = Buffer.concat([Buffer.from(kind), content]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(content.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  });
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...parts]);
}
