import type { Command } from "commander";
import { inspectModel, type ModelSummary } from "polywen";
import { addInspectMediaCommand } from "./inspect-media.ts";
import { formatBytes, printFacts, printJson, warn } from "../output.ts";

const examples = `
Examples:
  $ polywen inspect polywen/tiny
  $ polywen inspect ./model-q4_k_m.gguf
  $ polywen inspect ./model --json`;

/** `polywen inspect`: what a model folder holds. */
export function addInspectCommand(program: Command): void {
  const command = program.command("inspect");
  command
    .summary("show what a model folder holds")
    .description("Shows architecture, tensors, tokenizer, and the memory that the model would need here. Reads headers only, no weights.")
    .argument("<model>", 'folder of a model, or "polywen/tiny"')
    .option("--mmproj <file>", "with what a GGUF model sees pictures (default: the only mmproj*.gguf beside it)")
    .option("--json", "as one JSON object")
    .addHelpText("after", examples)
    .action(run);
  addInspectMediaCommand(command);
}

async function run(source: string, options: { readonly json?: boolean; readonly mmproj?: string }): Promise<void> {
  const summary = await inspectModel(source, { mmproj: options.mmproj });
  if (options.json === true) return printJson(summary);
  const { cachePerToken } = summary.memory;
  await printFacts({
    Path: summary.path,
    Architecture: summary.modelType,
    ...architectureFacts(summary),
    Parameters: summary.parameters.toLocaleString("en"),
    Tensors: `${summary.tensors.count}, ${formatBytes(summary.tensors.bytes)}`,
    Stored: summary.tensors.dtypes.map(({ dtype, tensors, bytes }) => `${dtype}: ${tensors} tensors, ${formatBytes(bytes)}`).join("\n"),
    Tokenizer: `${summary.tokenizer.vocabularySize} tokens, ${summary.tokenizer.addedTokens} of them added`,
    "Chat template": summary.chatTemplate ? "yes" : "no",
    Cache: cachePerToken === undefined ? undefined : `${formatBytes(cachePerToken.bf16)} a token (exact: ${formatBytes(cachePerToken.f32)})`,
    Memory: memoryLine(summary),
  });
  summary.warnings.forEach(warn);
}

function architectureFacts({ architecture, modalities }: ModelSummary): Record<string, string | number | undefined> {
  if (architecture === undefined) return {};
  const { layers, hiddenSize, keyHeads, headWidth, contextLength, vocabularySize, positionAxes, window } = architecture;
  return {
    Modalities: modalities.join(", "),
    Decoder: `${layers} layers of ${hiddenSize}, ${keyHeads} key heads of ${headWidth}`,
    Vocabulary: vocabularySize,
    Context: `${contextLength} tokens${window === undefined ? "" : `, window of ${window} in some layers`}`,
    Positions: positionAxes === 1 ? undefined : `${positionAxes} axes (M-RoPE)`,
  };
}

function memoryLine({ memory: { estimate } }: ModelSummary): string | undefined {
  if (estimate === undefined) return undefined;
  const { weights, cache, step, total, available } = estimate;
  return `needs ${formatBytes(total)} (weights ${formatBytes(weights)}, cache ${formatBytes(cache)}, step ${formatBytes(step)}), ${formatBytes(available)} free`;
}
