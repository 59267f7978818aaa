// Runs every example with plain Node: it must succeed, print something, and end within two minutes.
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { listExamples, report } from "./workspace.mjs";

const timeLimit = 120_000;

function runExample({ name, file }) {
  const started = performance.now();
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: dirname(file), encoding: "utf8", timeout: timeLimit });
  console.log(`  ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (status !== 0) return [`${name}: ended with ${signal ?? status}\n${stderr.trim()}`];
  return stdout.trim() === "" ? [`${name}: printed nothing`] : [];
}

const examples = listExamples();
report("examples", `${examples.length} examples`, examples.flatMap(runExample));
