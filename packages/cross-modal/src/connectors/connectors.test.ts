import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createReferenceBackend, weightFromFloats } from "@polywen/tensor";
import { defineModality, type ModalityDefinition } from "../modality.ts";
import { MediaEncoder } from "../media-encoder.ts";
import { initialWeights } from "../weights/initial-weights.ts";
import { ModalityWeightSource } from "../weights/modality-weights.ts";
import type { Connector } from "./connector.ts";
import { perceiverResampler } from "./perceiver-resampler.ts";
import { pixelShuffleConnector } from "./pixel-shuffle.ts";

interface Golden {
  readonly kind: "perceiver" | "pixel-shuffle";
  readonly width: number;
  readonly hiddenSize: number;
  readonly featureRows: number;
  readonly options: { readonly latents: number; readonly depth: number; readonly heads: number; readonly headWidth: number; readonly factor: number; readonly grid?: readonly [number, number, number] };
  readonly rows: readonly (readonly number[])[];
}

const goldens = JSON.parse(readFileSync(new URL("goldens/connectors.json", import.meta.url), "utf8")) as readonly Golden[];

/** The formula of the script that made the goldens. */
function byFormula(name: string, length: number): Float32Array {
  const seed = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 97;
  return Float32Array.from({ length }, (_, index) => Math.sin(seed + index * 1.7) / 3);
}

/** A modality whose input is the number of its feature rows. */
function modality(connector: Connector, width: number, grid?: readonly [number, number, number]): ModalityDefinition<unknown> {
  const encode = async (rows: unknown) => ({ rows: rows as number, features: byFormula("features", (rows as number) * width).map((value) => Math.fround(value * 3)), ...(grid === undefined ? {} : { grid }) });
  return defineModality({ name: "thing", encoder: { kind: "function", width, encode }, connector }).definition;
}

async function load(definition: ModalityDefinition<unknown>, hiddenSize: number): Promise<MediaEncoder> {
  const backend = createReferenceBackend();
  const text = { hiddenSize, mediaLevels: 1, layers: 1, heads: 1, keyHeads: 1, headWidth: 1, intermediateSize: 1 };
  const weights = new Map([...initialWeights({ definition }, text, { seed: 1 })].map(([name, { shape }]) => [name, weightFromFloats(byFormula(name, shape.reduce((a, b) => a * b)), shape)]));
  const media = backend.createResource({ name: "media.rows", dtype: "f32", shape: [256, hiddenSize], paged: false });
  return MediaEncoder.load(definition, await ModalityWeightSource.open(definition, weights), { backend, media: [media] });
}

async function encode(encoder: MediaEncoder, input: number): Promise<number[]> {
  const prepared = await encoder.prepare(input);
  const rows: number[] = [];
  await encoder.encode(prepared, Array.from({ length: prepared.rows }, (_, index) => index), { onRows: ([first]) => void rows.push(...first!) });
  return rows;
}

test.each(goldens.map((golden) => [golden.kind, golden.featureRows, golden] as const))("%s of %i rows equals PyTorch", async (kind, _, { width, hiddenSize, featureRows, options, rows }) => {
  const connector = kind === "perceiver" ? perceiverResampler(options) : pixelShuffleConnector(options);
  const encoder = await load(modality(connector, width, options.grid), hiddenSize);
  // Another medium of other sizes first: nothing of it may stay.
  await encode(encoder, featureRows);
  const made = await encode(encoder, featureRows);
  expect(made.length).toBe(rows.length * hiddenSize);
  rows.flat().forEach((value, index) => expect(Math.abs(made[index]! - value)).toBeLessThan(2e-5));
});

test("a resampler gives as many rows for media of any length, and only the last of them decides", async () => {
  const encoder = await load(modality(perceiverResampler({ latents: 4, heads: 2, headWidth: 4 }), 6), 8);
  const [short, long] = [await encode(encoder, 1), await encode(encoder, 150)];
  expect([short.length, long.length]).toEqual([32, 32]);
  expect(await encode(encoder, 1)).toEqual(short);
});

test("more features than a medium may have are refused before the resampler sees them", async () => {
  const encoder = await load(modality(perceiverResampler({ latents: 4, heads: 2, headWidth: 4 }), 1), 8);
  await expect(encoder.prepare(65_537)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { limit: 65_536, received: 65_537 } });
});

test.each([[undefined], [[1, 3, 4]], [[1, 2, 6]], [[1, 6, 2]]] as const)("squares of a picture of %j: what cannot be cut is refused", async (grid) => {
  const encoder = await load(modality(pixelShuffleConnector({ factor: 4 }), 2, grid as never), 3);
  await expect(encoder.prepare(12)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});

test.each([() => perceiverResampler({ latents: 0 }), () => perceiverResampler({ latents: 2, depth: 1.5 }), () => pixelShuffleConnector({ factor: -1 })])("options that count nothing are refused", (make) => {
  expect(make).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
});
