import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "polywen-load-"));
const addonFile = fileURLToPath(new URL("../../../native/build/release/polywen_cpu.node", import.meta.url));
const indexFile = new URL("index.ts", import.meta.url).href;

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program in a process of its own, from the sources. */
function runNode(source: string, environment: Record<string, string> = {}): { status: number | null; stdout: string; stderr: string } {
  const flags = ["--conditions=@polywen/source", "--import", "tsx", "--input-type=module", "--eval", source];
  return spawnSync(process.execPath, flags, { encoding: "utf8", env: { ...process.env, ...environment }, timeout: 60_000 });
}

const report = `
  const { createCpuBackend } = await import(${JSON.stringify(indexFile)});
  await createCpuBackend({ threads: 1 }).then(
    (backend) => console.log("loaded", backend.device.tier),
    (error) => console.log(error.code, JSON.stringify(error.facts), error.hint),
  );`;

describe("loadAddon", { timeout: 60_000 }, () => {
  it("takes the file that POLYWEN_NATIVE_PATH names and lets an idle process end", () => {
    expect(runNode(report, { POLYWEN_NATIVE_PATH: addonFile, POLYWEN_CPU_ISA: "generic" })).toMatchObject({ status: 0, stdout: "loaded generic\n" });
  });

  it("says what is wrong with a file that is absent, broken or of another version", () => {
    const broken = join(folder, "broken.node");
    writeFileSync(broken, "not a library");
    const other = join(folder, "other.cjs");
    writeFileSync(other, "module.exports = { apiVersion: 0 };");
    for (const [path, reason] of [[join(folder, "absent.node"), "not found"], [broken, "broken.node"], [other, "version 0"]] as const) {
      const { stdout } = runNode(report, { POLYWEN_NATIVE_PATH: path });
      expect(stdout).toContain("BACKEND_UNAVAILABLE");
      expect(stdout).toContain(reason);
      expect(stdout).toContain("POLYWEN_NATIVE_PATH");
    }
  });
});

describe("worker threads", { timeout: 60_000 }, () => {
  it("load the addon side by side, and may be ended at any moment", () => {
    const worker = join(folder, "worker.cjs");
    writeFileSync(
      worker,
      `const { parentPort, workerData } = require("node:worker_threads");
       const { Engine, Control } = require(workerData);
       const engine = new Engine({ tier: "", threads: 2, activations: "int8" });
       const bytes = new Uint8Array(new Float32Array(1 << 20).buffer);
       const load = () => engine.loadWeights([{ name: "w", dtype: "f32", shape: [1024, 1024], bytes }], new Control());
       let rounds = 0;
       const loop = () => load().then((weights) => { weights.dispose(); if (++rounds === 3) parentPort.postMessage("ready"); return loop(); });
       loop();`,
    );
    const { status, stdout, stderr } = runNode(`
      import { once } from "node:events";
      import { Worker } from "node:worker_threads";
      for (let round = 0; round < 8; round++) {
        const workers = [0, 1].map(() => new Worker(${JSON.stringify(worker)}, { execArgv: [], workerData: ${JSON.stringify(addonFile)} }));
        await Promise.all(workers.map((one) => once(one, "message")));
        await Promise.all(workers.map((one) => one.terminate()));
      }
      console.log("ended");`);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "ended\n", stderr: "" });
  });
});
