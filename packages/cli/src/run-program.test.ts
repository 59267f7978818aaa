import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EMBEDDED_MODEL, inspectModel } from "polywen";
import { createProgram } from "./create-program.ts";
import { cli, finished, startCli } from "./test-cli.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let folder: string;
/** The embedded model, but it never ends a reply. */
let endless: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "polywen-cli-"));
  endless = join(folder, "endless");
  const { path, architecture } = await inspectModel(EMBEDDED_MODEL);
  await cp(path, endless, { recursive: true });
  await writeFile(join(endless, "generation_config.json"), JSON.stringify({ eos_token_id: [architecture!.vocabularySize - 1] }));
  await writeFile(join(folder, "broken.json"), '{"ids": [1, 2,]}');
  await writeFile(join(folder, "wrong.json"), '{"ids": [1, "2"]}');
  await writeFile(join(folder, "latin1.txt"), Buffer.from("caf\xe9", "latin1"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("errors", () => {
  const cases: readonly [name: string, args: () => string[], exitCode: number, error: object][] = [
    ["no command", () => [], 2, { code: "USAGE" }],
    ["an unknown option", () => ["inspect", EMBEDDED_MODEL, "--colour"], 2, { code: "USAGE", message: expect.stringContaining("--colour") }],
    ["text where a number belongs", () => ["run", EMBEDDED_MODEL, "Hi", "--seed", "x"], 2, { code: "USAGE", message: expect.stringContaining("--seed") }],
    ["two texts", () => ["tokenize", EMBEDDED_MODEL, "a", "--text-file", "b"], 2, { code: "USAGE" }],
    ["a number out of range", () => ["run", EMBEDDED_MODEL, "Hi", "--backend", "reference", "--top-p", "2"], 2, { code: "ARGUMENT_INVALID", facts: { argument: "topP", received: 2 } }],
    ["no such model", () => ["inspect", join(folder, "none")], 3, { code: "NOT_FOUND", hint: expect.any(String) }],
    ["no such medium", () => ["run", EMBEDDED_MODEL, "Hi", "--backend", "reference", "--image", join(folder, "none.png")], 3, { code: "NOT_FOUND" }],
    ["no such input", () => ["logits", EMBEDDED_MODEL, "--input", join(folder, "none.json"), "--output", join(folder, "out")], 3, { code: "NOT_FOUND" }],
    ["a text that is not UTF-8", () => ["tokenize", EMBEDDED_MODEL, "--text-file", join(folder, "latin1.txt")], 4, { code: "FILE_INVALID" }],
    ["a prompt that is too long", () => ["run", EMBEDDED_MODEL, "Hi ".repeat(20), "--backend", "reference", "--cache-tokens", "16"], 1, { code: "LIMIT_EXCEEDED", facts: { unit: "tokens" } }],
  ];

  it.each(cases)("%s", async (_, args, exitCode, error) => {
    const result = await cli([...args(), "--json"]);
    expect({ ...result, stdout: JSON.parse(result.stdout) as unknown }).toMatchObject({ exitCode, stdout: { error }, stderr: "" });
  });

  it.each([
    ["broken.json", "/broken.json at byte 14"],
    ["wrong.json", "/wrong.json at /ids/1"],
  ])("%s is placed for people, on stderr", async (name, place) => {
    const { exitCode, stdout, stderr } = await cli(["logits", EMBEDDED_MODEL, "--input", join(folder, name), "--output", join(folder, "out")]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "" });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(place);
  });
});

describe("help", () => {
  it.each(createProgram().commands.map((command) => [command.name(), command] as const))("%s has an example", (name, command) => {
    let help = "";
    command.configureOutput({ writeOut: (text) => void (help += text) }).outputHelp();
    expect(help).toContain(`  $ polywen ${name} `.trimEnd());
  });

  it("goes to stdout", async () => {
    expect(await cli(["run", "--help"])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("--image <file>"), stderr: "" });
  });

  it("tells the version", async () => {
    const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
    expect(await cli(["--version"])).toMatchObject({ exitCode: 0, stdout: `${version}\n` });
  });

  it("colours only where it is asked to", async () => {
    const args = ["inspect", "/none"];
    const forced = startCli(args, { FORCE_COLOR: "1" });
    expect((await finished(forced)).stderr).toContain("\u001b[31merror:");
    const forbidden = startCli(args, { FORCE_COLOR: "1", NO_COLOR: "1" });
    expect((await finished(forbidden)).stderr).toMatch(/^error:/);
  });
});

describe("interruption", () => {
  const args = (...more: string[]): string[] => ["run", endless, "Hi", "--backend", "reference", "--max-tokens", "1500", ...more];

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s keeps the text so far", async (signal, exitCode) => {
    const child = startCli(args());
    child.stdout!.once("data", () => child.kill(signal));
    const result = await finished(child);
    expect(result).toMatchObject({ exitCode, stderr: "" });
    expect(result.stdout).toMatch(/^[^]+\n$/);
  });

  it("during preparation is an error", async () => {
    const child = startCli(["run", endless, "-", "--backend", "reference", "--json"]);
    // Far more than a pipe holds: once it is written, the command reads its prompt, and has listened for signals since before that.
    await new Promise((resolve) => child.stdin!.on("error", resolve).write(" ".repeat(2 ** 22), resolve));
    child.kill("SIGINT");
    child.stdin!.end();
    const { exitCode, stdout } = await finished(child);
    expect(exitCode).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "ABORTED" } });
  });

  it("ends quietly when nobody reads", async () => {
    const child = startCli(args());
    await once(child.stdout!, "data");
    child.stdout!.destroy();
    let stderr = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [exitCode] = (await once(child, "close")) as [number];
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});
