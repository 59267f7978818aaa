import { fork } from "node:child_process";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { bundleProcess, removeBundle } from "../bundle-process.ts";
import type { AttemptResult, HostileCase } from "./hostile-case.ts";
import { createWorkspace } from "./workspace.ts";

/** How one call ended: with a result, a typed error, or an error that is not one of Polywen's. */
export interface AttemptReport {
  readonly milliseconds: number;
  readonly result?: AttemptResult;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string; readonly facts?: Readonly<Record<string, unknown>> };
  readonly untyped?: string;
}

/** What the process of a case reports. */
export interface CaseReport {
  readonly attempts: readonly AttemptReport[];
  /** Bytes by which the resident memory grew at its peak. */
  readonly growth: number;
  /** 1 on an idle machine; on a busy one, how many times longer everything takes. */
  readonly slowness: number;
}

/** A report, and the size of the files that it is about. */
export interface FinishedCase extends CaseReport {
  readonly bytesOfFiles: number;
}

/** For starting, loading and calling together; the limit of the calls themselves is measured inside. */
const patience = 120_000;

const bundle = await bundleProcess(fileURLToPath(new URL("case-process.ts", import.meta.url)));
afterAll(() => removeBundle(bundle));

/** Writes the files of a case and runs it in a process of its own. Rejects if that process crashes, hangs or says nothing. */
export async function runCase(hostileCase: HostileCase): Promise<FinishedCase> {
  const workspace = createWorkspace(await mkdtemp(join(tmpdir(), "polywen-hostile-")));
  try {
    await hostileCase.write?.(workspace);
    const bytesOfFiles = await sizeOfFolder(workspace.folder);
    return { bytesOfFiles, ...(await runInChild(bundle, hostileCase.id, workspace.folder)) };
  } finally {
    await rm(workspace.folder, { recursive: true, force: true });
  }
}

function runInChild(file: string, id: string, folder: string): Promise<CaseReport> {
  const child = fork(file, [id, folder], { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
  return new Promise((resolve, reject) => {
    let report: CaseReport | undefined;
    let complaints = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), patience);
    child.stderr?.on("data", (text: Buffer) => (complaints += text.toString()));
    child.on("message", (message) => (report = message as CaseReport));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (report !== undefined && code === 0) resolve(report);
      else reject(new Error(`case ${id}: the process ended with ${signal ?? `code ${code}`}\n${complaints}`));
    });
  });
}

async function sizeOfFolder(folder: string): Promise<number> {
  const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}
