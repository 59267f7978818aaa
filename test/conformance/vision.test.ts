import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audio, image, loadModel, video, type LoadModelOptions, type MediaPart, type Model } from "polywen";
import { backends, loadOptions } from "./expect-transformers.ts";

type Medium =
  | { readonly kind: "image"; readonly width: number; readonly height: number; readonly seed: number }
  | { readonly kind: "video"; readonly width: number; readonly height: number; readonly frames: number; readonly fps: number }
  | { readonly kind: "audio"; readonly samples: number };

/** What transformers computed for a prompt: see `make-vision-fixtures.py`. */
interface Expected {
  readonly ids: number[];
  readonly media: Medium[];
  readonly expanded: number[];
  readonly positions: number[];
  readonly rows: number[];
  readonly logits: number[][];
  readonly greedy: number[];
  readonly std: number;
}

const root = fileURLToPath(new URL("../fixtures/vision", import.meta.url));
const subjects = ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "polywen/tiny"].map((source) => {
  const folder = existsSync(`${root}/${source}`) ? `${root}/${source}` : undefined;
  const cases = JSON.parse(readFileSync(folder === undefined ? `${root}/embedded.json` : `${folder}/expected.json`, "utf8")) as Record<string, Expected>;
  return { source: folder ?? source, name: source, cases };
});

/** The formula of the script. */
function pixels(width: number, height: number, seed: number) {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => {
    const [channel, x, y] = [index % 3, Math.floor(index / 3) % width, Math.floor(index / (3 * width))];
    return (x * 7 + y * 13 + channel * 31 + x * y * (seed + 1) + seed * 50) % 256;
  });
  return { data, width, height, channels: 3 } as const;
}

function partOf(medium: Medium): MediaPart {
  switch (medium.kind) {
    case "image":
      return image(pixels(medium.width, medium.height, medium.seed));
    case "video":
      return video(Array.from({ length: medium.frames }, (_, seed) => pixels(medium.width, medium.height, seed)), { fps: medium.fps });
    case "audio":
      return audio({ samples: Float32Array.from({ length: medium.samples }, (_, index) => ((index * 37) % 1000) / 500 - 1), sampleRate: 16_000 });
  }
}

/** Machines that run tests are often busy. */
const patience = 120_000;

describe.each(backends)("pictures and videos as transformers reads them, on the %s backend", { timeout: patience }, (backend) => {
  describe.each(subjects)("$name", ({ source, cases }) => {
    const load = (options: LoadModelOptions = {}): Promise<Model> => loadModel(source, { ...loadOptions, cacheTokens: 512, backend, ...options });
    let model: Model;
    beforeAll(async () => void (model = await load()));
    afterAll(() => model.dispose());

    test.each(Object.entries(cases))("%s", async (_, expected) => {
      const { ids, positions, logits, greedy, vocabularySize } = await model.logits({ ids: expected.ids, media: expected.media.map(partOf), maxTokens: expected.greedy.length });
      expect([...ids]).toEqual(expected.expanded);
      expect([...positions]).toEqual(expected.positions);
      const differences = expected.rows.flatMap((row, index) => expected.logits[index]!.map((value, id) => Math.abs(value - logits[row * vocabularySize + id]!)));
      expect(Math.max(...differences) / expected.std).toBeLessThan(5e-4);
      expect([...greedy]).toEqual(expected.greedy);
    });

    test.skipIf(backend === "reference" && source === "polywen/tiny")("chunks of any size that cut through media give the same bits", async () => {
      const { ids, media } = Object.values(cases).at(-1)!;
      const run = async (rowsPerStep: number) => {
        const other = await load({ rowsPerStep, maxSequences: 1, threads: rowsPerStep % 2 === 0 ? 2 : 1 });
        const { logits, greedy } = await other.logits({ ids, media: media.map(partOf), maxTokens: 4 });
        await other.dispose();
        return { bits: Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength).toString("base64"), greedy: [...greedy] };
      };
      const expected = await run(256);
      for (const rowsPerStep of backend === "reference" ? [5] : [1, 2, 5]) expect(await run(rowsPerStep)).toEqual(expected);
    });
  });
});
