import type { StoreOperation } from "../operations.ts";
import type { ProgramMemory } from "./program-memory.ts";
import type { Steps } from "./steps.ts";

/** See `StoreOperation`. Rows are written in order, so of two rows for one slot the later stays. */
export function* store(operation: StoreOperation, memory: ProgramMemory): Steps {
  const slots = memory.integers(operation.slots);
  const input = memory.floats(operation.input);
  const target = memory.resource(operation.target);
  const width = input.length / slots.length;
  for (let row = 0; row < slots.length; row++) {
    const slot = slots[row]!;
    if (slot === -1) continue;
    const first = memory.index("store", operation.slots, row, slot, target.spec.shape[0]!) * width;
    target.write(first, input.subarray(row * width, (row + 1) * width));
    yield;
  }
}
