import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { audio, audioWindows, image, video, type MediaPart, type Model } from "polywen";
import { TOLERANCE } from "./expect-transformers.ts";

type Medium =
  | { readonly kind: "image"; readonly width: number; readonly height: number; readonly seed: number }
  | { readonly kind: "video"; readonly width: number; readonly height: number; readonly frames: number; readonly fps: number; /** Samples. */ readonly sound?: number }
  | { readonly kind: "audio"; readonly samples: number; readonly windows?: boolean };

/** What transformers computed for a prompt with media: see `make-vision-fixtures.py` and its neighbours. */
export interface MediaPrompt {
  readonly ids: number[];
  readonly media: Medium[];
  readonly expanded: number[];
  readonly positions: number[];
  readonly rows: number[];
  readonly logits: number[][];
  readonly greedy: number[];
  readonly std: number;
}

/** The prompts of a fixture by their names. */
export function readPrompts(path: string): Record<string, MediaPrompt> {
  return JSON.parse(readFileSync(path, "utf8")) as Record<string, MediaPrompt>;
}

/** Compares ids, positions, logits and greedy tokens with those of transformers. */
export async function expectPrompt(model: Model, expected: MediaPrompt): Promise<void> {
  const { ids, positions, logits, greedy, vocabularySize } = await model.logits({ ids: expected.ids, media: await mediaOf(expected), maxTokens: expected.greedy.length });
  expect([...ids]).toEqual(expected.expanded);
  expect([...positions]).toEqual(expected.positions);
  const differences = expected.rows.flatMap((row, index) => expected.logits[index]!.map((value, id) => Math.abs(value - logits[row * vocabularySize + id]!)));
  expect(Math.max(...differences) / expected.std).toBeLessThan(TOLERANCE);
  expect([...greedy]).toEqual(expected.greedy);
}

/** The media that the formulas of the scripts give. */
export async function mediaOf({ media }: MediaPrompt): Promise<MediaPart[]> {
  return (await Promise.all(media.map(partsOf))).flat();
}

async function partsOf(medium: Medium): Promise<MediaPart[]> {
  switch (medium.kind) {
    case "image":
      return [image(pixels(medium.width, medium.height, medium.seed))];
    case "video":
      return [video(Array.from({ length: medium.frames }, (_, seed) => pixels(medium.width, medium.height, seed)), { fps: medium.fps, sound: medium.sound === undefined ? undefined : samples(medium.sound) })];
    case "audio":
      return medium.windows === true ? audioWindows(samples(medium.samples)) : [audio(samples(medium.samples))];
  }
}

function samples(count: number) {
  return { samples: Float32Array.from({ length: count }, (_, index) => ((index * 37) % 1000) / 500 - 1), sampleRate: 16_000 };
}

function pixels(width: number, height: number, seed: number) {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => {
    const [channel, x, y] = [index % 3, Math.floor(index / 3) % width, Math.floor(index / (3 * width))];
    return (x * 7 + y * 13 + channel * 31 + x * y * (seed + 1) + seed * 50) % 256;
  });
  return { data, width, height, channels: 3 } as const;
}
