import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createReferenceBackend } from "@polywen/tensor";
import { MediaCache, mediaKey, type HeldMedia, type WantedMedium } from "./media-cache.ts";

const cacheOf = (capacity: number, idleRows?: number): MediaCache =>
  new MediaCache([createReferenceBackend().createResource({ name: "media", dtype: "f32", shape: [capacity, 4], paged: false })], { idleRows });

/** A medium whose encoder notes that it ran. */
function medium(key: string | undefined, rows: number, ran: unknown[] = []): WantedMedium {
  return { key, rows, encode: async () => void ran.push(key) };
}

/** A medium whose encoder runs until it is told to end. */
function slowMedium(key: string, rows: number): WantedMedium & { readonly end: () => void; readonly aborted: () => boolean } {
  let end = (): void => undefined;
  let aborted = false;
  const encode = (_: readonly number[], signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      end = resolve;
      signal.addEventListener("abort", () => {
        aborted = true;
        reject(new Error("aborted"));
      });
    });
  return { key, rows, encode, end: () => end(), aborted: () => aborted };
}

test("the same medium is encoded once, for those at the same time and for those who come later", async () => {
  const cache = cacheOf(10);
  const ran: unknown[] = [];
  const [first, second] = await Promise.all([cache.hold([medium("a", 3, ran), medium("b", 2, ran)]), cache.hold([medium("a", 3, ran)])]);
  first.release();
  const third = await cache.hold([medium("b", 2, ran), medium("a", 3, ran), medium("b", 2, ran)]);
  expect(ran).toEqual(["a", "b"]);
  expect([first.hits, second.hits, third.hits]).toEqual([0, 1, 3]);
  expect(third.slots).toEqual([first.slots[1], first.slots[0], first.slots[1]]);
  expect(cache.info).toEqual({ media: 2, rows: 5, capacity: 10, hits: 4, misses: 2 });
});

test("what was used least recently makes room, what is in use never does", async () => {
  const cache = cacheOf(10);
  const ran: unknown[] = [];
  for (const key of ["a", "b", "c"]) (await cache.hold([medium(key, 3, ran)])).release();
  (await cache.hold([medium("a", 3, ran)])).release();
  const held = await cache.hold([medium("d", 3, ran)]);
  expect((await cache.hold([medium("a", 3, ran), medium("c", 3, ran)])).hits).toBe(2);
  expect(ran).toEqual(["a", "b", "c", "d"]);
  held.release();
});

test.each([[undefined, 8, 0], [0, 0, 4], [5, 4, 2]])("idle rows: at most %j are kept", async (idleRows, kept, misses) => {
  const cache = cacheOf(10, idleRows);
  for (const key of ["a", "b"]) (await cache.hold([medium(key, 4)])).release();
  expect(cache.info.rows).toBe(kept);
  for (const key of ["b", "a"]) (await cache.hold([medium(key, 4)])).release();
  expect(cache.info.misses - 2).toBe(misses === 4 ? 2 : misses === 2 ? 1 : 0);
});

test("without a key nothing is shared and nothing is kept", async () => {
  const cache = cacheOf(10);
  const ran: unknown[] = [];
  const held = await cache.hold([medium(undefined, 3, ran), medium(undefined, 3, ran)]);
  expect([ran.length, cache.info.rows]).toEqual([2, 6]);
  held.release();
  expect(cache.info.rows).toBe(0);
});

test("who finds too few rows waits, and nobody overtakes", async () => {
  const cache = cacheOf(10);
  const first = await cache.hold([medium("a", 8)]);
  const order: string[] = [];
  const large = cache.hold([medium("b", 9)]).then((held) => (order.push("large"), held));
  const small = cache.hold([medium("c", 1)]).then((held) => (order.push("small"), held));
  await sleep(5);
  expect(order).toEqual([]);
  first.release();
  await Promise.all([large, small]);
  expect(order).toEqual(["large", "small"]);
});

test("who is aborted while waiting lets the next one pass", async () => {
  const cache = cacheOf(10);
  await cache.hold([medium("a", 8)]);
  const controller = new AbortController();
  const large = cache.hold([medium("b", 5)], controller.signal);
  const small = cache.hold([medium("c", 2)]);
  controller.abort("reason");
  await expect(large).rejects.toMatchObject({ code: "ABORTED", cause: "reason" });
  expect((await small).slots[0]).toHaveLength(2);
  await expect(cache.hold([medium("a", 8)], controller.signal)).rejects.toMatchObject({ code: "ABORTED" });
});

test("an encoder runs on while somebody waits for it, and stops when nobody does", async () => {
  const cache = cacheOf(10);
  const slow = slowMedium("a", 6);
  const [one, two] = [new AbortController(), new AbortController()];
  const both = [cache.hold([slow], one.signal), cache.hold([slow], two.signal)];
  await sleep(1);
  one.abort();
  await expect(both[0]).rejects.toMatchObject({ code: "ABORTED" });
  expect(slow.aborted()).toBe(false);
  two.abort();
  await expect(both[1]).rejects.toMatchObject({ code: "ABORTED" });
  expect(slow.aborted()).toBe(true);
  expect((await cache.hold([medium("b", 10)])).slots[0]).toHaveLength(10);
});

test("what one encoder fails with reaches all who wait for it; the next tries again", async () => {
  const cache = cacheOf(10);
  const fault = new Error("the encoder's");
  const failing: WantedMedium = { key: "a", rows: 4, encode: () => Promise.reject(fault) };
  const results = await Promise.allSettled([cache.hold([failing]), cache.hold([failing, medium("b", 2)])]);
  expect(results.map((result) => (result as PromiseRejectedResult).reason)).toEqual([fault, fault]);
  expect((await cache.hold([medium("a", 4)])).hits).toBe(0);
});

test("more rows than there are is an error at once; the same medium twice counts once", async () => {
  const cache = cacheOf(10);
  await expect(cache.hold([medium("a", 6), medium("b", 5)])).rejects.toMatchObject({ code: "OUT_OF_MEMORY", facts: { requested: 11, available: 10, unit: "media rows" } });
  await expect(cache.hold([medium("a", 6), medium("a", 6)])).resolves.toMatchObject({ hits: 1 });
});

test("rows in use never belong to two media, and all come back", async () => {
  const command = fc.record({ kind: fc.constantFrom("hold", "release"), keys: fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1, maxLength: 3 }), index: fc.nat(9) });
  const sizes: Record<string, number> = { a: 1, b: 2, c: 3, d: 5, e: 8 };
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
      const cache = cacheOf(24, 9);
      const held: { keys: readonly string[]; media: HeldMedia }[] = [];
      for (const { kind, keys, index } of commands) {
        if (kind === "release") held.splice(index % Math.max(held.length, 1), 1)[0]?.media.release();
        else {
          const media = await Promise.race([cache.hold(keys.map((key) => medium(key, sizes[key]!)), AbortSignal.timeout(20)).catch(() => undefined), sleep(4)]);
          if (media !== undefined) held.push({ keys, media });
        }
        const owners = new Map<number, string>();
        for (const one of held) one.keys.forEach((key, place) => one.media.slots[place]!.forEach((slot) => {
          expect(owners.get(slot) ?? key).toBe(key);
          owners.set(slot, key);
        }));
      }
      for (const { media } of held) media.release();
      await sleep(25);
      expect(cache.info.rows).toBeLessThanOrEqual(9);
    }),
    { numRuns: 30 },
  );
});

test("a key depends on the modality, on sizes and on every input", async () => {
  const prepared = { rows: 2, sizes: { n: 2 }, inputs: { values: Float32Array.of(1, 2), order: Int32Array.of(1, 0) } };
  const keys = await Promise.all([
    mediaKey("image", prepared),
    mediaKey("sound", prepared),
    mediaKey("image", { ...prepared, sizes: { n: 1 } }),
    mediaKey("image", { ...prepared, inputs: { ...prepared.inputs, values: Float32Array.of(1, 2.5) } }),
    mediaKey("image", { ...prepared, inputs: { ...prepared.inputs, order: Int32Array.of(0, 1) } }),
  ]);
  expect(new Set(keys).size).toBe(5);
  expect(await mediaKey("image", { ...prepared, inputs: { order: Int32Array.of(1, 0), values: Float32Array.of(1, 2) } })).toBe(keys[0]);
});
