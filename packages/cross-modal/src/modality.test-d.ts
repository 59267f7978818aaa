import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { linearConnector } from "./connectors/dense-connectors.ts";
import { crossAttention } from "./injection/injection.ts";
import { defineModality, type MediaPart } from "./modality.ts";

test("the schema decides what a content part is made from, and what the encoder gets", () => {
  const ecg = defineModality({
    name: "ecg",
    input: z.object({ hz: z.number(), leads: z.array(z.array(z.number())) }),
    encoder: {
      kind: "function",
      width: 12,
      encode: async (input) => {
        expectTypeOf(input).toEqualTypeOf<{ hz: number; leads: number[][] }>();
        return { rows: 1, features: new Float32Array(12) };
      },
    },
    connector: linearConnector(),
  });
  expectTypeOf(ecg).toBeCallableWith({ hz: 250, leads: [[1]] });
  expectTypeOf(ecg).parameter(0).toEqualTypeOf<{ hz: number; leads: number[][] }>();
  expectTypeOf(ecg).returns.toEqualTypeOf<MediaPart>();
});

test("blocks stand every so many layers or before those that are listed, not both", () => {
  expectTypeOf(crossAttention).toBeCallableWith({ every: 4 });
  expectTypeOf(crossAttention).toBeCallableWith({ layers: [1, 3], attend: "all-previous" });
  // @ts-expect-error both at once
  crossAttention({ every: 4, layers: [1] });
  // @ts-expect-error neither
  crossAttention({ heads: 4 });
});
