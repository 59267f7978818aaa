import fc from "fast-check";
import { expect, test } from "vitest";
import { awqOrder, turnAwqWords } from "./awq-layout.ts";

test("every code is found where GPTQ has it, whatever the sizes", () => {
  const sizes = fc.record({ width: fc.integer({ min: 1, max: 37 }), columns: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.integer()), ({ width, columns }, random) => {
      const out = 8 * columns;
      const words = Int32Array.from({ length: width * columns }, () => random.next().value as number);
      const turned = turnAwqWords(words, width, out);
      expect(turned.length).toBe(Math.ceil(width / 8) * out);
      for (let input = 0; input < width; input++) {
        for (let output = 0; output < out; output++) {
          const stored = words[input * columns + Math.floor(output / 8)]! >>> (4 * awqOrder.indexOf((output % 8) as (typeof awqOrder)[number]));
          expect((turned[Math.floor(input / 8) * out + output]! >>> (4 * (input % 8))) & 15).toBe(stored & 15);
        }
      }
    }),
    { numRuns: 20 },
  );
});
