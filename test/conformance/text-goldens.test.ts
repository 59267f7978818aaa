import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModel, type Model } from "polywen";
import { backends } from "./expect-transformers.ts";

interface Golden {
  readonly ids: number[];
  readonly mean: number[];
  readonly last: number[];
  readonly perplexity: Readonly<Record<string, number>>;
}

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const { text, variants } = JSON.parse(readFileSync(`${fixtures}/text-goldens.json`, "utf8")) as { text: string; variants: Record<string, Golden> };

const greatestDifference = (actual: Float32Array, expected: readonly number[]): number => Math.max(...expected.map((value, index) => Math.abs(value - actual[index]!)));

describe.each(backends)("what transformers computes for a text, on the %s backend", (backend) => {
  describe.each(Object.entries(variants))("%s", (variant, golden) => {
    let model: Model;
    beforeAll(async () => void (model = await loadModel(`${fixtures}/folders/${variant}`, { backend, kvDType: "f32", rowsPerStep: 13, cacheTokens: 400 })));
    afterAll(() => model.dispose());

    test("pooled states after the last norm", async () => {
      expect(model.tokenize(text)).toEqual(golden.ids);
      for (const pooling of ["mean", "last"] as const) {
        const [plain, other] = await model.embed([text, "another"], { pooling, normalize: false });
        expect(plain).toHaveLength(golden.mean.length);
        expect(greatestDifference(plain!, golden[pooling])).toBeLessThan(2e-5);
        expect(greatestDifference(other!, golden[pooling])).toBeGreaterThan(0.1);
        const length = Math.sqrt(golden[pooling].reduce((sum, value) => sum + value ** 2, 0));
        expect(greatestDifference(await model.embed(text, { pooling }), golden[pooling].map((value) => value / length))).toBeLessThan(1e-5);
      }
    });

    test.each(Object.entries(golden.perplexity))("perplexity in windows of %s tokens", async (context, expected) => {
      const result = await model.perplexity(text, { context: Number(context) });
      expect(result).toEqual({ perplexity: expect.any(Number), tokens: golden.ids.length - 1, context: Number(context) });
      expect(Math.abs(result.perplexity / expected - 1)).toBeLessThan(1e-5);
    });
  });
});
