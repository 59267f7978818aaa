import { describe, expect, it } from "vitest";
import { InvalidArgumentError, InvalidFileError } from "./errors.ts";
import { PolywenError } from "./polywen-error.ts";

describe("PolywenError", () => {
  const error = new InvalidFileError({ file: "a.gguf", problem: "bad magic", offset: 4 }, { hint: "Download it again.", cause: "x" });

  it("has a name, a code, facts, a hint and a cause", () => {
    expect(error).toBeInstanceOf(PolywenError);
    expect(error).toMatchObject({ name: "InvalidFileError", code: "FILE_INVALID", hint: "Download it again.", cause: "x" });
    expect(error.message).toBe("a.gguf at byte 4: bad magic.");
  });

  it("prints without a stack", () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "FILE_INVALID",
      message: error.message,
      hint: "Download it again.",
      facts: { file: "a.gguf", problem: "bad magic", offset: 4 },
    });
  });

  it("is known by a mark, so errors of another copy of the package are too", () => {
    expect(PolywenError.isInstance(error)).toBe(true);
    expect(PolywenError.isInstance({ [Symbol.for("polywen.error")]: true })).toBe(true);
    for (const other of [new TypeError("x"), null, undefined, "x", {}]) expect(PolywenError.isInstance(other)).toBe(false);
  });

  it("says how long arrays are", () => {
    const messageOf = (received: unknown): string => new InvalidArgumentError({ argument: "data", expected: "12 bytes", received }).message;
    expect(messageOf(new Uint8Array(3))).toContain("received Uint8Array of 3.");
    expect(messageOf([1, 2])).toContain("received an array of 2.");
  });

  it("writes out characters of foreign names that steer a terminal", () => {
    const { message, hint } = new InvalidFileError({ file: "a\u001b[2J", problem: "b\u202ec\nd" }, { hint: "\u009be" });
    expect(message).toBe("a\\u001b[2J: b\\u202ec\nd.");
    expect(hint).toBe("\\u009be");
  });

  it("cuts long values", () => {
    const { message } = new InvalidArgumentError({ argument: "text", expected: "less", received: "y".repeat(10_000) });
    expect(message.length).toBeLessThan(200);
  });
});
