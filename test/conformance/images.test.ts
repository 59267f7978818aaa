import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { decodeImage, preprocessImage } from "@polywen/vision";

type Config = Parameters<typeof preprocessImage>[1];

interface Expected {
  readonly configs: Readonly<Record<string, Config>>;
  readonly files: Readonly<Record<string, { readonly size: number[]; readonly sha256: string; readonly processors: Readonly<Record<string, { readonly grid: number[]; readonly sha256: string }>> }>>;
}

const root = fileURLToPath(new URL("../fixtures/images", import.meta.url));
const { configs, files } = JSON.parse(readFileSync(`${root}/expected.json`, "utf8")) as Expected;

function sha256(array: Uint8Array | Float32Array): string {
  return createHash("sha256").update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)).digest("hex");
}

describe("real files become what Pillow and transformers make of them, in every bit", () => {
  test.each(Object.entries(files))("%s", async (name, expected) => {
    const image = await decodeImage(`${root}/${name}`);
    expect([image.width, image.height]).toEqual(expected.size);
    expect(sha256(image.data)).toBe(expected.sha256);
    for (const [processor, { grid, sha256: patches }] of Object.entries(expected.processors)) {
      const result = await preprocessImage(`${root}/${name}`, configs[processor]!);
      expect([result.grid.t, result.grid.h, result.grid.w]).toEqual(grid);
      expect(sha256(result.pixelValues)).toBe(patches);
    }
  });
});
