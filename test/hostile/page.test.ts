import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { badInputPage } from "./bad-input-page.ts";
import { hostileCases } from "./hostile-cases.ts";

test("the page of the guide is the table", () => {
  expect(readFileSync(new URL("../../docs/guide/bad-input.md", import.meta.url), "utf8")).toBe(badInputPage());
});

test("every row has a number of its own, and every error about a file its place", () => {
  expect(new Set(hostileCases.map(({ id }) => id)).size).toBe(hostileCases.length);
  const placeless = hostileCases.filter(({ outcome }) => outcome.kind === "error" && outcome.code === "FILE_INVALID" && (outcome.file === undefined || outcome.place === undefined));
  expect(placeless.map(({ id }) => id)).toEqual([]);
});
