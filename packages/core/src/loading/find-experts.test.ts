import { expect, test } from "vitest";
import type { TensorEntry } from "@polywen/formats";
import { findExperts } from "./find-experts.ts";

/** A checkpoint of f32 tensors one behind the other. */
function checkpointOf(shapes: Readonly<Record<string, readonly number[]>>): Parameters<typeof findExperts>[2] {
  const tensors = new Map<string, TensorEntry>();
  let offset = 100;
  for (const [name, shape] of Object.entries(shapes)) {
    const byteLength = 4 * shape.reduce((product, length) => product * length, 1);
    tensors.set(name, { name, dtype: "F32", shape, file: "f", offset, byteLength });
    offset += byteLength;
  }
  return { tensors, entry: (name) => tensors.get(name)!, read: async (name, cut) => numbered(tensors.get(name)!, cut!) };
}

/** A part of a tensor whose elements are numbered. */
function numbered({ byteLength }: TensorEntry, { part, parts }: { readonly part: number; readonly parts: number }): Uint8Array {
  const length = byteLength / 4 / parts;
  return new Uint8Array(Float32Array.from({ length }, (_, index) => part * length + index).buffer);
}

const offsetsOf = (name: string, checkpoint: Parameters<typeof findExperts>[2]): readonly number[] | undefined => findExperts([`m.experts.${name}.weight`], [3, 2, 5], checkpoint)?.parts.map((part) => (part.kind === "file" ? part.offset : -1));

test("a stack in one tensor is cut", () => {
  expect(offsetsOf("up_proj", checkpointOf({ "m.experts.up_proj.weight": [3, 2, 5] }))).toEqual([100, 140, 180]);
});

test("experts of their own are put in order", () => {
  const shapes = { "m.experts.1.up_proj.weight": [2, 5], "m.experts.0.up_proj.weight": [2, 5], "other": [1], "m.experts.2.up_proj.weight": [2, 5] };
  expect(offsetsOf("up_proj", checkpointOf(shapes))).toEqual([140, 100, 184]);
});

test("gates and ups are taken from the tensor that holds both", () => {
  const checkpoint = checkpointOf({ "m.experts.gate_up_proj": [3, 4, 5], "m.experts.down_proj": [3, 2, 5] });
  expect(offsetsOf("gate_proj", checkpoint)).toEqual([100, 180, 260]);
  expect(offsetsOf("up_proj", checkpoint)).toEqual([140, 220, 300]);
  expect(offsetsOf("down_proj", checkpoint)).toEqual([340, 380, 420]);
});

test("a checkpoint without experts has none", () => {
  expect(offsetsOf("gate_proj", checkpointOf({ "m.gate_proj.weight": [2, 5] }))).toBeUndefined();
});

test("experts that were stored as they are multiplied from the right are turned", async () => {
  const checkpoint = checkpointOf({ "m.experts.gate_up_proj": [2, 3, 4], "m.experts.down_proj": [2, 2, 3] });
  const turned = async (name: string, shape: [number, number, number]): Promise<number[][]> => {
    const { parts } = findExperts([`m.experts.${name}.weight`], shape, checkpoint, true)!;
    return Promise.all(parts.map(async (part) => [...new Float32Array((part.kind === "computed" ? await part.compute() : new Uint8Array()).buffer)]));
  };
  expect(await turned("gate_proj", [2, 2, 3])).toEqual([[0, 4, 8, 1, 5, 9], [12, 16, 20, 13, 17, 21]]);
  expect(await turned("up_proj", [2, 2, 3])).toEqual([[2, 6, 10, 3, 7, 11], [14, 18, 22, 15, 19, 23]]);
  expect(await turned("down_proj", [2, 3, 2])).toEqual([[0, 3, 1, 4, 2, 5], [6, 9, 7, 10, 8, 11]]);
});
