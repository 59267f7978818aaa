import type { Command } from "commander";
import type { DeviceSpeed } from "@polywen/tensor";
import { examineMachine, type MachineReport } from "../doctor/examine-machine.ts";
import { formatBytes, formatRate, printFacts, printJson, warn } from "../output.ts";

const examples = `
Examples:
  $ polywen doctor
  $ polywen doctor --json`;

/** `polywen doctor`: what Polywen finds on this machine. */
export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .summary("show what Polywen finds on this machine")
    .description("Shows machine, versions and backends: what to put into a bug report.")
    .option("--json", "as one JSON object")
    .addHelpText("after", examples)
    .action(run);
}

async function run(options: { readonly json?: boolean }): Promise<void> {
  const report = await examineMachine();
  if (options.json === true) return printJson(report);
  const { cpu, memory, platform, packages } = report;
  await printFacts({
    Node: report.node,
    Platform: `${platform.os} ${platform.release} ${platform.architecture}${platform.libc === undefined ? "" : `, ${platform.libc}`}`,
    CPU: `${cpu.model}, ${cpu.cores} cores`,
    Memory: `${formatBytes(memory.total)}, ${formatBytes(memory.free)} free`,
    "Native backend": nativeLine(report),
    Packages: Object.entries(packages).map(([name, version]) => `${name} ${version}`).join("\n"),
  });
  if (!report.backends.cpu.available) warn("Only the reference backend works here, which is slow.");
}

function nativeLine({ backends: { cpu } }: MachineReport): string {
  if (cpu.available) return [`${cpu.device.tier}, ${cpu.device.threads} threads (${cpu.device.description})`, ...speedLines(cpu.speed)].join("\n");
  return cpu.hint === undefined ? cpu.message : `${cpu.message}\n${cpu.hint}`;
}

/** What the machine reached just now; other processes make it less. */
function speedLines(speed: DeviceSpeed | undefined): string[] {
  if (speed === undefined) return [];
  const { readBandwidth, int8Operations, floatOperations } = speed;
  const arithmetic = int8Operations === 0 ? [] : [`${formatRate(int8Operations, "operations")} on 8-bit integers, ${formatRate(floatOperations, "operations")} on floats`];
  return [`${formatRate(readBandwidth, "bytes")} read from memory`, ...arithmetic];
}
