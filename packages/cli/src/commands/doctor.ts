import type { Command } from "commander";
import { examineMachine, type MachineReport } from "../doctor/examine-machine.ts";
import { formatBytes, printFacts, printJson, warn } from "../output.ts";

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
  if (cpu.available) return `${cpu.device.tier}, ${cpu.device.threads} threads (${cpu.device.description})`;
  return cpu.hint === undefined ? cpu.message : `${cpu.message}\n${cpu.hint}`;
}
