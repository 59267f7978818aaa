import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { loadModel } from "polywen";

const fixture = fileURLToPath(new URL("../fixtures/folders/qwen2", import.meta.url));
const options = { raw: true, temperature: 0 } as const;
/** The reference backend takes its time. */
const patience = process.env["POLYWEN_NATIVE_MISSING"] === "" ? 120_000 : 600_000;

test("200 rounds of loading, generating and disposing do not grow", async () => {
  const round = async (): Promise<void> => {
    const model = await loadModel("polywen/tiny", { cacheTokens: 512, threads: 2 });
    await model.generate("hello", { ...options, maxTokens: 2 });
    await model.dispose();
  };
  const resident = (): number => {
    globalThis.gc?.();
    return process.memoryUsage().rss;
  };
  for (let count = 0; count < 50; count++) await round();
  const before = resident();
  for (let count = 0; count < 150; count++) await round();
  // One model takes about 15 MB: a leak of a tenth of it in each round would show as 225 MB.
  expect(resident() - before).toBeLessThan(100 * 2 ** 20);
}, patience);

test("timers fire while a model works", async () => {
  const model = await loadModel("polywen/tiny", { cacheTokens: 4096, rowsPerStep: 1024 });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const { timings } = await model.generate("word ".repeat(600), { ...options, maxTokens: 30 });
  clearInterval(timer);
  // Steps of a thousand rows take tens of milliseconds each; a blocked loop would turn once a step.
  expect(turns).toBeGreaterThan(Math.min(timings.totalMs / 10, 40));
  await model.dispose();
});

test("an abort takes effect within one step", async () => {
  const model = await loadModel(fixture, { cacheTokens: 4096 });
  const controller = new AbortController();
  const run = model.generate("some words", { ...options, maxTokens: 4000, signal: controller.signal });
  let seen = 0;
  for await (const part of run) {
    seen += part.text === "" ? 0 : 1;
    if (seen === 5) controller.abort();
    if (seen > 50) break;
  }
  const { finishReason, tokenIds } = await run;
  expect(finishReason).toBe("aborted");
  // The consumer may be some tokens behind, the engine at most one step ahead of the abort.
  expect(tokenIds.length).toBeLessThan(50);
  await model.dispose();
});

test("two worker threads load and run at once, beside the main thread", async () => {
  const source = `
    import { parentPort, workerData } from "node:worker_threads";
    const { loadModel } = await import(workerData.polywen);
    const model = await loadModel(workerData.fixture, { cacheTokens: 64 });
    const reply = await model.generate("some words", { raw: true, temperature: 0, maxTokens: 8 });
    await model.dispose();
    parentPort.postMessage(reply.tokenIds);
  `;
  const polywen = new URL("../../packages/polywen/dist/index.js", import.meta.url).href;
  const start = (): Worker => new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: { polywen, fixture }, execArgv: [] });
  const answers = [start(), start()].map(async (worker) => {
    const [tokenIds] = (await once(worker, "message")) as [number[]];
    await once(worker, "exit");
    return tokenIds;
  });
  const model = await loadModel(fixture, { cacheTokens: 64 });
  const { tokenIds } = await model.generate("some words", { ...options, maxTokens: 8 });
  expect(await Promise.all(answers)).toEqual([tokenIds, tokenIds]);
  await model.dispose();
});
