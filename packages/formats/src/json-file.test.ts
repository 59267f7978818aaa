import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { InvalidFileError, LimitExceededError, NotFoundError } from "@polywen/tensor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { parseWith, readJsonFile, readJsonObject, readTextFile } from "./json-file.ts";
import { createTestFolder, failureOf, type TestFolder } from "./test-folder.ts";

let folder: TestFolder;
beforeAll(async () => void (folder = await createTestFolder()));
afterAll(() => folder.remove());

describe("readJsonFile", () => {
  it("reads a document and keeps hostile keys as ordinary properties", async () => {
    const path = await folder.write("good.json", ' {"__proto__": {"polluted": true}, "a": [1, null, "é\\n"]} ');
    const value = await readJsonObject(path, "config");
    expect(Object.keys(value)).toEqual(["__proto__", "a"]);
    expect(value["a"]).toEqual([1, null, "é\n"]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("refuses empty files, other text, wrong top levels and invalid UTF-8, and says where", async () => {
    expect(await failureOf(readJsonFile(await folder.write("empty.json", ""), "config"))).toMatchObject({ facts: { problem: "the file is empty", offset: 0 } });
    expect(await failureOf(readJsonFile(await folder.write("words.json", "Entry not found"), "config"))).toMatchObject({ facts: { offset: 0 } });
    expect(await failureOf(readJsonObject(await folder.write("list.json", "[1]"), "config"))).toMatchObject({ facts: { pointer: "" } });
    const broken = Buffer.concat([Buffer.from('{"\uFFFDé": "'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    expect(await failureOf(readJsonFile(await folder.write("latin.json", broken), "config"))).toMatchObject({ facts: { offset: 11, problem: "the text is not valid UTF-8" } });
  });

  it("recognises an HTML page and a Git LFS pointer", async () => {
    const page = await failureOf(readJsonFile(await folder.write("page.json", "\n<!DOCTYPE html><html></html>"), "config"));
    expect(page.message).toContain("HTML page");
    expect(page.hint).toContain("download it again");
    const pointer = await failureOf(readJsonFile(await folder.write("lfs.json", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"), "config"));
    expect(pointer.hint).toContain("git lfs pull");
  });

  it("refuses a file above its limit before reading it", async () => {
    const path = await folder.write("huge.json", "");
    await truncate(path, 2 ** 40);
    const before = process.memoryUsage().rss;
    expect(await failureOf(readJsonFile(path, "tokenizer"))).toBeInstanceOf(LimitExceededError);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  it("distinguishes a missing file from a folder", async () => {
    expect(await failureOf(readJsonFile(join(folder.path, "none.json"), "config"))).toBeInstanceOf(NotFoundError);
    expect(await failureOf(readJsonFile(folder.path, "config"))).toBeInstanceOf(InvalidFileError);
    expect((await failureOf(readJsonFile("a\0b", "config"))).code).toBe("FILE_ACCESS");
  });

  it("reads text, empty or not", async () => {
    expect(await readTextFile(await folder.write("merges.txt", "Ġ t\n"), "tokenizer")).toBe("Ġ t\n");
    expect(await readTextFile(await folder.write("none.txt", ""), "tokenizer")).toBe("");
  });
});

describe("parseWith", () => {
  it("turns the first problem into an InvalidFileError with a JSON pointer", () => {
    const schema = z.object({ heads: z.array(z.object({ "a/b": z.int("an integer is expected") })) });
    expect(parseWith(schema, { heads: [{ "a/b": 3 }] }, "config.json")).toEqual({ heads: [{ "a/b": 3 }] });
    expect(() => parseWith(schema, { heads: [{ "a/b": 3 }, { "a/b": 1.5 }] }, "config.json", ["text_config"])).toThrow(
      "config.json at /text_config/heads/1/a~1b: an integer is expected.",
    );
  });
});
