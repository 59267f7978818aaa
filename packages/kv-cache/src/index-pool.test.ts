import fc from "fast-check";
import { expect, test } from "vitest";
import { PAGE_ROWS, PolywenError } from "@polywen/tensor";
import { IndexPool } from "./index-pool.ts";
import { pagesFor, SequencePages } from "./sequence-pages.ts";

test("no two living sequences ever share a slot, and releasing returns everything", () => {
  const command = fc.oneof(
    fc.record({ kind: fc.constant("open" as const), rows: fc.integer({ min: 1, max: 100 }) }),
    fc.record({ kind: fc.constant("close" as const), index: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const pool = new IndexPool(24, "pages");
      const open: { pages: SequencePages; rows: number }[] = [];
      for (const step of commands) {
        if (step.kind === "close") open.splice(step.index % Math.max(open.length, 1), 1)[0]?.pages.release();
        else if (pagesFor(step.rows) <= pool.free) open.push({ pages: new SequencePages(pool, step.rows), rows: step.rows });
        else expect(() => new SequencePages(pool, step.rows)).toThrow(PolywenError);
        const slots = open.flatMap(({ pages, rows }) => Array.from({ length: rows }, (_, position) => pages.slotOf(position)));
        expect(new Set(slots).size).toBe(slots.length);
        expect(slots.every((slot) => slot >= 0 && slot < pool.capacity * PAGE_ROWS)).toBe(true);
        const held = open.reduce((sum, { rows }) => sum + pagesFor(rows), 0);
        expect(pool.free).toBe(pool.capacity - held);
      }
    }),
  );
});

test("a pool without pages is refused", () => {
  expect(() => new IndexPool(0, "pages")).toThrow(/positive number of pages/);
});
