import type { Attend, CrossAttention } from "@polywen/core";
import { InvalidArgumentError } from "@polywen/tensor";
import type { TextShape } from "../text-shape.ts";

/** How media rows reach the text model. */
export type Injection = PrefixInjection | CrossAttentionInjection;

/** Media rows take the places of placeholder tokens in the prompt. */
export interface PrefixInjection {
  readonly kind: "prefix";
}

/** Where blocks of cross-attention stand: before every layer `i` with `(i + 1) % every === 0`, or before the layers that are listed. */
export type CrossPlacement = { readonly every: number; readonly layers?: never } | { readonly layers: readonly number[]; readonly every?: never };

/** Shape of the blocks. What is absent is as in the text model. */
export interface CrossBlockOptions {
  /** Query heads. */
  readonly heads?: number | undefined;
  /** Heads of keys and values; they must divide `heads`. */
  readonly keyHeads?: number | undefined;
  readonly headWidth?: number | undefined;
  /** Width of the gated MLP in a block; 0 for blocks without one. */
  readonly intermediateSize?: number | undefined;
  /** Which media a row sees: the `latest` before it (default), or `all-previous`. */
  readonly attend?: Attend | undefined;
}

/** Gated blocks between the layers of the text model attend to the media; no row of the prompt is taken. */
export interface CrossAttentionInjection {
  readonly kind: "cross-attention";
  readonly placement: CrossPlacement;
  readonly block: CrossBlockOptions;
}

/** Media rows take the places of placeholder tokens in the prompt. */
export function prefix(): PrefixInjection {
  return { kind: "prefix" };
}

/**
 * Gated blocks of cross-attention before layers of the text model: `crossAttention({ every: 4 })`. A medium takes no row of
 * the prompt; rows after its place see it. Weights are named `model.cross_layers.{layer}.{modality}.…`; fresh ones, whose
 * gates are zero, change nothing.
 */
export function crossAttention(options: CrossPlacement & CrossBlockOptions): CrossAttentionInjection {
  const { every, layers, ...block } = options;
  return { kind: "cross-attention", placement: layers === undefined ? { every: every! } : { layers }, block };
}

/** All blocks that an injection asks of a text model. Throws `InvalidArgumentError` for layers or shapes that cannot be. */
export function resolveCrossAttention(modality: string, { placement, block }: CrossAttentionInjection, text: TextShape, pages: number): CrossAttention {
  const heads = { heads: block.heads ?? text.heads, keyHeads: block.keyHeads ?? text.keyHeads, headWidth: block.headWidth ?? text.headWidth };
  for (const [name, received] of Object.entries(heads)) requireCount(`${modality} ${name}`, received, 1, 4096);
  if (heads.heads % heads.keyHeads !== 0) throw new InvalidArgumentError({ argument: `${modality} keyHeads`, expected: `a divisor of ${heads.heads} heads`, received: heads.keyHeads });
  const intermediateSize = requireCount(`${modality} intermediateSize`, block.intermediateSize ?? text.intermediateSize, 0, 2 ** 19);
  const attend = block.attend ?? "latest";
  if (attend !== "latest" && attend !== "all-previous") throw new InvalidArgumentError({ argument: `${modality} attend`, expected: '"latest" or "all-previous"', received: attend });
  const layers = placesOf(modality, placement, text.layers).map((index) => ({ index, attention: true, mlp: intermediateSize > 0 }));
  return { modality, layers, attend, ...heads, intermediateSize, pages };
}

function placesOf(modality: string, { every, layers }: CrossPlacement, count: number): readonly number[] {
  if (every !== undefined) {
    requireCount(`${modality} every`, every, 1, count);
    return Array.from({ length: Math.floor(count / every) }, (_, index) => (index + 1) * every - 1);
  }
  const valid = Array.isArray(layers) && layers.length > 0 && new Set(layers).size === layers.length && layers.every((layer) => Number.isSafeInteger(layer) && layer >= 0 && layer < count);
  if (!valid) throw new InvalidArgumentError({ argument: `${modality} layers`, expected: `distinct numbers of layers below ${count}`, received: layers?.join(", ") });
  return [...layers].sort((left, right) => left - right);
}

function requireCount(argument: string, received: number, least: number, most: number): number {
  if (Number.isSafeInteger(received) && received >= least && received <= most) return received;
  throw new InvalidArgumentError({ argument, expected: `an integer from ${least} to ${most}`, received });
}
