/** Fuzzes one target for some time; see README.md beside this file. The exit code is 1 if something was found. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { keptInputs } from "./corpus.ts";
import { fuzzTargets } from "./fuzz-targets.ts";
import { createFuzzer, type Finding } from "./fuzzer.ts";
import { startWatchdog } from "./watchdog.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "600" }, seed: { type: "string", default: "1" }, out: { type: "string", default: "." } },
});
const target = fuzzTargets.find(({ name }) => name === positionals[0]);
if (target === undefined) throw new TypeError(`Name a target: ${fuzzTargets.map(({ name }) => name).join(", ")}`);

const fuzzer = await createFuzzer(target, Number(values.seed), [...keptInputs(target.name).values()]);
const watchdog = startWatchdog(30);
fuzzer.onInput = watchdog.tick;
const found = new Map<string, Finding>();
const end = performance.now() + Number(values.seconds) * 1000;
while (performance.now() < end) {
  const finding = await fuzzer.next();
  if (finding === undefined) continue;
  const kind = finding.problem.split("\n", 3).join("\n").replace(/\d+/g, "…");
  if (found.has(kind)) continue;
  found.set(kind, finding);
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, `${target.name}-${finding.name}`), finding.bytes);
  console.error(`${target.name}-${finding.name}: ${finding.problem}\n`);
}
await watchdog.stop();
for (const [outcome, count] of [...fuzzer.outcomes].sort((a, b) => b[1] - a[1])) console.log(`${String(count).padStart(8)}  ${outcome}`);
console.log(`${target.name}: ${fuzzer.executions} inputs, ${fuzzer.outcomes.size} outcomes, ${found.size} findings, ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB at most`);
await fuzzer.close();
process.exitCode = found.size === 0 ? 0 : 1;
