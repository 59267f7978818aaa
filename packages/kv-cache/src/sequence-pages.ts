import { PAGE_ROWS } from "@polywen/tensor";
import type { IndexPool } from "./index-pool.ts";

/** Pages that `rows` rows of keys and values occupy. */
export function pagesFor(rows: number): number {
  return Math.ceil(rows / PAGE_ROWS);
}

/** The page table of one sequence: which slot each of its positions occupies. */
export class SequencePages {
  readonly #pool: IndexPool;
  #pages: number[];

  /** Reserves room for `rows` positions at once. Throws `OutOfMemoryError` when the pool has too few pages. */
  constructor(pool: IndexPool, rows: number) {
    this.#pool = pool;
    this.#pages = pool.take(pagesFor(rows));
  }

  /** Page numbers in the order of positions. */
  get pages(): readonly number[] {
    return this.#pages;
  }

  /** The slot of a position: page number × `PAGE_ROWS` + place in the page. */
  slotOf(position: number): number {
    return this.#pages[Math.floor(position / PAGE_ROWS)]! * PAGE_ROWS + (position % PAGE_ROWS);
  }

  /** Gives all pages back. The object is empty afterwards. */
  release(): void {
    this.#pool.release(this.#pages);
    this.#pages = [];
  }
}
