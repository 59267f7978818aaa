import { expect, test } from "vitest";
import { createReferenceBackend } from "@polywen/tensor";
import { MediaRows } from "./media-rows.ts";

const rowsOf = (capacity: number): MediaRows => new MediaRows([createReferenceBackend().createResource({ name: "media", dtype: "f32", shape: [capacity, 4], paged: false })]);

test("who finds too few rows waits, and nobody overtakes", async () => {
  const rows = rowsOf(10);
  const first = await rows.take(8);
  const order: string[] = [];
  const large = rows.take(9).then((taken) => (order.push("large"), taken));
  const small = rows.take(1).then((taken) => (order.push("small"), taken));
  await Promise.resolve();
  expect(order).toEqual([]);
  rows.release(first);
  const taken = [...(await large), ...(await small)];
  expect(order).toEqual(["large", "small"]);
  expect(new Set(taken).size).toBe(10);
});

test("who is aborted while waiting lets the next one pass", async () => {
  const rows = rowsOf(10);
  await rows.take(8);
  const controller = new AbortController();
  const large = rows.take(5, controller.signal);
  const small = rows.take(2);
  controller.abort("reason");
  await expect(large).rejects.toMatchObject({ code: "ABORTED", cause: "reason" });
  expect(await small).toHaveLength(2);
  await expect(rows.take(1, controller.signal)).rejects.toMatchObject({ code: "ABORTED" });
});

test("more rows than there are is an error at once", async () => {
  await expect(rowsOf(10).take(11)).rejects.toMatchObject({ code: "OUT_OF_MEMORY", facts: { requested: 11, available: 10, unit: "media rows" } });
});
