import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadEncoder } from "polywen";
import { backends, TOLERANCE } from "./expect-transformers.ts";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

describe.each(backends)("encoders that see, as transformers computes them, on the %s backend", (backend) => {
  test("DINOv2, with positions that are interpolated", async () => {
    const folder = `${fixtures}/encoders/dinov2`;
    const expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as { image: string; size: [number, number]; features: number[][] };
    await using encoder = await loadEncoder(folder, { backend });
    expect(encoder.info).toMatchObject({ modelType: "dinov2", modality: "image" });
    const { features, rows, width, sizes } = await encoder.encode(`${fixtures}/media/${expected.image}`);
    expect([rows, width, sizes["patches"]]).toEqual([expected.features.length, 24, (expected.size[0] / 14) * (expected.size[1] / 14)]);
    expect(largest(expected.features.flat().map((value, index) => value - features[index]!))).toBeLessThan(TOLERANCE);
  });
});
