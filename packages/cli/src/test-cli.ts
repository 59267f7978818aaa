import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { bundleProcess, removeBundle } from "../../../test/bundle-process.ts";

/** How a command ended and what it wrote. */
export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const main = await bundleProcess(fileURLToPath(new URL("main.ts", import.meta.url)));
afterAll(() => removeBundle(main));

/** Starts `polywen`, bundled from its sources, in a process of its own. */
export function startCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
  const { FORCE_COLOR: _force, NO_COLOR: _no, ...inherited } = process.env;
  return spawn(process.execPath, [main, ...args], { env: { ...inherited, ...environment } });
}

/** Waits for the end of a command. */
export async function finished(child: ChildProcess): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const exitCode = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  return { exitCode, stdout, stderr };
}

/** Runs `polywen` with a text on stdin. */
export async function cli(args: readonly string[], stdin = ""): Promise<CliResult> {
  const child = startCli(args);
  child.stdin!.end(stdin);
  return finished(child);
}

/** Runs a command that must succeed and answer in JSON. */
export async function cliJson<T>(args: readonly string[], stdin = ""): Promise<T> {
  const { exitCode, stdout, stderr } = await cli([...args, "--json"], stdin);
  if (exitCode !== 0) throw new TypeError(`polywen ${args.join(" ")} ended with ${exitCode}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as T;
}
