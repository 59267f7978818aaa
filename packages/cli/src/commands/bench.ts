import { loadavg } from "node:os";
import type { Command } from "commander";
import { loadModel, selectBackend } from "polywen";
import { roomFor, runBenchmarks, type BenchmarkSettings, type MeasuredSpeeds } from "../bench/run-benchmarks.ts";
import { usageError } from "../exit-code.ts";
import { interruption } from "../interruption.ts";
import { addModelOptions, parseNumber, type ModelCommandOptions } from "../model-options.ts";
import { formatBytes, formatRate, printFacts, printJson, warn } from "../output.ts";

interface BenchOptions extends ModelCommandOptions, BenchmarkSettings {
  readonly json?: boolean;
}

const examples = `
Examples:
  $ polywen bench ./model
  $ polywen bench ./model --depth 4096 --generate 32 --json
  $ polywen bench ./model --parallel 8`;

/** `polywen bench`: how fast a model is here. */
export function addBenchCommand(program: Command): void {
  const command = program
    .command("bench")
    .summary("measure how fast a model is here")
    .description("Measures tokens per second of reading a prompt and of decoding, time to load, memory, and what the machine can do at most.")
    .argument("<model>", 'folder of a model, or "polywen/tiny"')
    .option("--prompt <n>", "tokens of the prompt that is read", parseNumber, 512)
    .option("--generate <n>", "tokens to decode for each sequence", parseNumber, 64)
    .option("--depth <n>", "tokens of context before decoding", parseNumber, 0)
    .option("--parallel <n>", "sequences decoded together", parseNumber, 1)
    .option("--repeat <n>", "rounds, of which medians are reported", parseNumber, 4)
    .option("--json", "as one JSON object");
  addModelOptions(command)
    .addHelpText("after", examples)
    .action(run);
}

async function run(source: string, options: BenchOptions): Promise<void> {
  const { prompt, generate, depth, parallel, repeat } = options;
  const settings = { prompt, generate, depth, parallel, repeat };
  checkSettings(settings);
  const signal = interruption();
  const loadAverage = loadavg()[0]!;
  const { backend, warning } = await selectBackend(options.backend, { threads: options.threads });
  try {
    const started = performance.now();
    await using model = await loadModel(source, { backend, ...roomFor(settings), signal });
    const loadMs = performance.now() - started;
    const speeds = await runBenchmarks(model, settings, signal);
    // Taken before the machine itself is measured, which needs memory of its own.
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    const machine = await backend.measureSpeed?.({ signal });
    const { description: device, tier, threads } = backend.device;
    const warnings = [...model.info.warnings, ...(warning === undefined ? [] : [warning])];
    await report({ ...speeds, loadMs, peakRssBytes, backend: backend.name, device, tier, threads, ...machine, loadAverage, settings, warnings }, options);
  } finally {
    await backend.dispose();
  }
}

function checkSettings(settings: BenchmarkSettings): void {
  for (const [name, value] of Object.entries(settings)) {
    const least = name === "depth" ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) throw usageError(`--${name} must be an integer of at least ${least}`);
  }
}

interface BenchReport extends MeasuredSpeeds {
  readonly loadMs: number;
  readonly peakRssBytes: number;
  readonly backend: string;
  readonly device: string;
  readonly tier: string;
  readonly threads: number;
  readonly readBandwidth?: number;
  readonly int8Operations?: number;
  readonly floatOperations?: number;
  /** Processes that wanted a core in the minute before. */
  readonly loadAverage: number;
  readonly settings: BenchmarkSettings;
  readonly warnings: readonly string[];
}

async function report(result: BenchReport, { json, quiet }: BenchOptions): Promise<void> {
  if (json === true) return printJson(result);
  const { runs, settings, loadMs, peakRssBytes, device, threads, readBandwidth, loadAverage } = result;
  const speed = (phase: "prefill" | "decode"): string => {
    const values = runs.map((run) => run[phase]);
    return `${result[phase].toFixed(1)} tokens/s (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;
  };
  const sequences = settings.parallel === 1 ? "" : `, ${settings.parallel} sequences together`;
  await printFacts({
    Prefill: `${speed("prefill")}, ${settings.prompt} tokens`,
    Decode: `${speed("decode")}, ${settings.generate} tokens after ${settings.depth}${sequences}`,
    Load: `${(loadMs / 1000).toFixed(2)} s`,
    "Peak memory": formatBytes(peakRssBytes),
    Machine: `${device}, ${threads} threads`,
    "Memory read": readBandwidth === undefined ? undefined : formatRate(readBandwidth, "bytes"),
    "Load average": loadAverage.toFixed(1),
  });
  if (quiet !== true) result.warnings.forEach(warn);
}
