import { PolywenError } from "@polywen/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkJson, maximumJsonDepth } from "./json-checker.ts";

function problemOf(text: string): PolywenError | undefined {
  try {
    checkJson(Buffer.from(text), { file: "x.json", offset: 100 });
    return undefined;
  } catch (error) {
    if (error instanceof PolywenError) return error;
    throw error;
  }
}

function isParsable(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("checkJson", () => {
  it("accepts what JSON.parse accepts and refuses what it refuses", () => {
    const piece = fc.constantFrom(..."{}[]:,\"\\ \n0123456789-+.eEtrufalsn/bé", "true", "false", "null", '"a"', '"b":', "\\u00e9", "1e5", "\u0001");
    const soup = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    const damaged = fc.tuple(fc.json(), fc.nat(), piece).map(([text, at, insert]) => text.slice(0, at % (text.length + 1)) + insert + text.slice(at % (text.length + 1)));
    fc.assert(
      fc.property(fc.oneof(soup, damaged, fc.json()), (text) => {
        const problem = problemOf(text);
        if (problem?.message.includes("occurs twice")) return;
        expect(problem === undefined).toBe(isParsable(text));
      }),
      { numRuns: 5000 },
    );
  });

  it("finds duplicate keys, also when one is escaped, and says where", () => {
    expect(problemOf('{"a":{"x":[0,{"k":1,"\\u006b":2}]}}')?.facts).toMatchObject({ pointer: "/a/x/1/k" });
    expect(problemOf('{"a":{"k":1},"b":{"k":1},"c":[{"k":1},{"k":1}]}')).toBeUndefined();
    expect(problemOf('{"__proto__":1,"constructor":2,"__proto__":3}')?.facts).toMatchObject({ pointer: "/__proto__" });
  });

  it("gives the byte offset, counted from the start of the file", () => {
    expect(problemOf('{"é": tru}')?.facts).toMatchObject({ offset: 100 + 7 });
    expect(problemOf("[1,2")?.message).toContain("ends too early");
    expect(problemOf('{"a": NaN}')?.facts).toMatchObject({ offset: 106 });
  });

  it("refuses deep nesting without recursion", () => {
    expect(problemOf("[".repeat(maximumJsonDepth) + "]".repeat(maximumJsonDepth))).toBeUndefined();
    expect(problemOf("[".repeat(100_000))?.facts).toMatchObject({ limit: maximumJsonDepth, offset: 100 + maximumJsonDepth });
    expect(problemOf('{"a":'.repeat(100_000))?.facts).toMatchObject({ limit: maximumJsonDepth });
  });

  it("refuses more values than it could hold in bounded memory", () => {
    expect(problemOf(`[${"0,".repeat(4_000_001)}0]`)?.facts).toMatchObject({ limit: 4_000_000 });
  });

  it("keeps error messages short and printable", () => {
    const name = `\\u001b[31m${"x".repeat(100_000)}`;
    const message = problemOf(`{"${name}":1,"${name}":2}`)?.message ?? "";
    expect(message.length).toBeLessThan(400);
    expect(message).not.toMatch(/\u001b/);
  });
});
