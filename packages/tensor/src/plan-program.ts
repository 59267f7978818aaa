import { byteLengthOf } from "./dtype.ts";
import { operandsOf } from "./operands.ts";
import type { TensorId } from "./operations.ts";
import type { Program, TensorSpec } from "./program.ts";
import { elementCount } from "./shape.ts";
import { capacitiesOf } from "./validate-program.ts";

/** Alignment of every buffer in the arena, in bytes: one cache line. */
export const ARENA_ALIGNMENT = 64;

/** Where temporaries lie. Tensors of other roles have memory of their own and no entry. */
export interface MemoryPlan {
  /** Byte offset in the arena by tensor id. A reshape shares the offset of its input. */
  readonly offsets: ReadonlyMap<TensorId, number>;
  /** For each reshape of a tensor that is not in the arena: the tensor whose memory it shares. */
  readonly aliases: ReadonlyMap<TensorId, TensorId>;
  readonly arenaByteLength: number;
}

interface Block {
  readonly root: TensorId;
  readonly byteLength: number;
  readonly first: number;
  last: number;
}

/** The bytes of the arena that a block has: [begin, end). */
interface PlacedBlock {
  readonly begin: number;
  readonly end: number;
}

/**
 * Gives every temporary a place such that tensors which live at the same time never overlap: biggest first, each at
 * the lowest free offset ("greedy by size", Pisarchyk and Lee, 2020). Sizes are those at full capacity.
 */
export function planProgram(program: Program): MemoryPlan {
  const aliases = resolveAliases(program);
  const blocks = liveBlocks(program, aliases);
  const offsets = new Map<TensorId, number>();
  // The blocks that have a place, by the steps they live in: most live in few of them and meet few others.
  const livingAt = program.operations.map((): PlacedBlock[] => []);
  let arenaByteLength = 0;
  for (const block of [...blocks.values()].sort((left, right) => right.byteLength - left.byteLength || left.root - right.root)) {
    const living = livingAt.slice(block.first, block.last + 1);
    const begin = lowestFreeOffset(block.byteLength, new Set(living.flat()));
    const placed = { begin, end: begin + block.byteLength };
    for (const others of living) others.push(placed);
    offsets.set(block.root, begin);
    arenaByteLength = Math.max(arenaByteLength, placed.end);
  }
  for (const [id, root] of aliases) if (offsets.has(root)) offsets.set(id, offsets.get(root)!);
  return { offsets, aliases, arenaByteLength };
}

/** Bytes of a compiled program at full capacity: the arena, and inputs and outputs beside it. `program` is lowered for its backend. */
export function programByteLength(program: Program): number {
  const capacities = capacitiesOf(program);
  const shared = program.tensors.filter(({ role }) => role === "input" || role === "output");
  return shared.reduce((sum, { shape, dtype }) => sum + Math.floor(elementCount(shape, capacities)) * byteLengthOf(dtype), planProgram(program).arenaByteLength);
}

/** Follows every reshape back to the tensor that owns the memory. An output owns its memory even if it is reshaped. */
function resolveAliases(program: Program): Map<TensorId, TensorId> {
  const aliases = new Map<TensorId, TensorId>();
  for (const operation of program.operations) {
    if (operation.kind === "reshape") aliases.set(operation.output, aliases.get(operation.input) ?? operation.input);
  }
  return aliases;
}

function liveBlocks(program: Program, aliases: ReadonlyMap<TensorId, TensorId>): Map<TensorId, Block> {
  const blocks = new Map<TensorId, Block>();
  const rootOf = (id: TensorId): TensorSpec => program.tensors[aliases.get(id) ?? id]!;
  program.operations.forEach((operation, step) => {
    const { reads, writes } = operandsOf(operation);
    for (const id of [...reads, ...writes]) {
      const root = rootOf(id);
      if (root.role !== "temporary") continue;
      const known = blocks.get(root.id);
      if (known === undefined) blocks.set(root.id, { root: root.id, byteLength: alignedByteLength(program, root), first: step, last: step });
      else known.last = step;
    }
  });
  return blocks;
}

function lowestFreeOffset(byteLength: number, neighbours: Iterable<PlacedBlock>): number {
  let offset = 0;
  for (const { begin, end } of [...neighbours].sort((left, right) => left.begin - right.begin)) {
    if (offset + byteLength <= begin) break;
    offset = Math.max(offset, end);
  }
  return offset;
}

function alignedByteLength(program: Program, tensor: TensorSpec): number {
  const bytes = Math.ceil(elementCount(tensor.shape, capacitiesOf(program))) * byteLengthOf(tensor.dtype);
  return Math.ceil(bytes / ARENA_ALIGNMENT) * ARENA_ALIGNMENT;
}
