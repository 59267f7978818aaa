import { expect, test } from "vitest";
import { defineModality, linearConnector, loadModel, weightFromFloats, type Model } from "polywen";

/** The configuration of vitest says why, where the native backend could not have been built. */
const missing = process.env["POLYWEN_NATIVE_MISSING"] !== "";
const options = { raw: true, temperature: 0 } as const;
const [ROWS, WIDTH, LAYERS] = [1024, 512, 100];

/** A medium that takes its encoder a hundred matrix products, some seconds in all. Its rows are the four last ones, joined. */
const heavy = defineModality<number>({
  name: "heavy",
  encoder: {
    kind: "program",
    dimensions: ["steps"],
    prepare: async (seed) => ({ features: { rows: ROWS }, sizes: { steps: ROWS }, inputs: { values: new Float32Array(ROWS * WIDTH).fill(seed) } }),
    build(builder, capacities) {
      let hidden = builder.input("values", "f32", [builder.dimension("steps", capacities["steps"] ?? 1), WIDTH]);
      for (let layer = 0; layer < LAYERS; layer++) hidden = builder.linear(hidden, builder.weight("encoder.weight", [WIDTH, WIDTH]));
      return hidden;
    },
  },
  connector: linearConnector({ stack: 256 }),
});
const identity = Float32Array.from({ length: WIDTH * WIDTH }, (_, index) => (index % (WIDTH + 1) === 0 ? 1 : 0));
const weights = new Map([
  ["encoder.weight", weightFromFloats(identity, [WIDTH, WIDTH])],
  ["connector.weight", weightFromFloats(new Float32Array(192 * WIDTH * 256), [192, WIDTH * 256])],
  ["connector.bias", weightFromFloats(new Float32Array(192), [192])],
]);

async function using(work: (model: Model) => Promise<void>): Promise<void> {
  const model = await loadModel("polywen/tiny", { backend: "cpu", threads: 2, cacheTokens: 2048, modalities: [heavy.withWeights(weights)] });
  await work(model).finally(() => model.dispose());
}

test.skipIf(missing)("replies go on while a large medium is encoded, and get what they get alone", async () => {
  await using(async (model) => {
    const alone = await model.generate("some words", { ...options, maxTokens: 600 });
    const events: string[] = [];
    const run = model.generate("some words", { ...options, maxTokens: 600 });
    const reading = (async () => {
      for await (const _ of run) events.push("text");
    })();
    const medium = await model.generate([heavy(1), "words"], { ...options, maxTokens: 1 });
    const between = events.length;
    await reading;
    // In the foreground the encoder would let a few steps pass at most: the one before it and the one behind it.
    expect(between).toBeGreaterThan(20);
    expect(medium.usage.mediaTokens).toBe(4);
    expect((await run).tokens).toEqual(alone.tokens);
  });
}, 120_000);

test.skipIf(missing)("an encoder stops when its caller does, but not while another waits for the same medium", async () => {
  await using(async (model) => {
    const controller = new AbortController();
    const leaving = model.generate([heavy(2), "words"], { ...options, maxTokens: 1, signal: controller.signal });
    const staying = model.generate([heavy(2), "words"], { ...options, maxTokens: 1 });
    await expect.poll(() => model.info.mediaCache?.hits, { timeout: 30_000 }).toBe(1);
    controller.abort();
    expect((await leaving).finishReason).toBe("aborted");
    expect((await staying).usage.mediaCacheHits).toBe(1);
    const abandoned = new AbortController();
    const lonely = model.generate([heavy(3), "words"], { ...options, maxTokens: 1, signal: abandoned.signal });
    await expect.poll(() => model.info.mediaCache?.misses, { timeout: 30_000 }).toBe(2);
    abandoned.abort();
    expect((await lonely).finishReason).toBe("aborted");
    // Its rows are free once the encoder has stopped.
    await expect.poll(() => model.info.mediaCache, { timeout: 30_000 }).toMatchObject({ media: 1, rows: 4 });
  });
}, 120_000);
