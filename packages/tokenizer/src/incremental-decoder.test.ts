import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IncrementalDecoder } from "./incremental-decoder.ts";
import { goldenTokenizer } from "./test-tokenizers.ts";

describe("IncrementalDecoder", () => {
  const tokenizer = goldenTokenizer();

  it("gives what decode gives at once, for any ids", () => {
    const ids = fc.array(fc.oneof(fc.nat({ max: tokenizer.vocabularySize + 3 }), fc.nat({ max: 255 })), { maxLength: 40 });
    fc.assert(
      fc.property(ids, fc.boolean(), (tokens, skipSpecial) => {
        const decoder = new IncrementalDecoder(tokenizer, { skipSpecial });
        const text = tokens.map((id) => decoder.push(id)).join("") + decoder.flush();
        expect(text).toBe(tokenizer.decode(tokens, { skipSpecial }));
      }),
      { numRuns: 2000 },
    );
  });

  it("holds a character back until it is complete and can be used again after flush", () => {
    const bytes = Array.from(new TextEncoder().encode("😀"), (byte) => [byte, tokenizer] as const);
    const ids = bytes.map(([byte]) => byteId(byte));
    const decoder = new IncrementalDecoder(tokenizer);
    expect(ids.map((id) => decoder.push(id))).toEqual(["", "", "", "😀"]);
    expect(ids.slice(0, 3).map((id) => decoder.push(id))).toEqual(["", "", ""]);
    expect(decoder.flush()).toBe("\uFFFD");
    expect(decoder.push(byteId(0x41)) + decoder.flush()).toBe("A");
  });

  function byteId(byte: number): number {
    for (let id = 0; id < 256; id += 1) if (tokenizer.tokenBytes(id)[0] === byte) return id;
    throw new RangeError(`no token for byte ${byte}`);
  }
});
