import { Option, type Command } from "commander";
import { interruption } from "../interruption.ts";
import { addModelOptions, defined, loadForCommand, parseNumber, type ModelCommandOptions } from "../model-options.ts";
import { formatBytes, printFacts, printJson } from "../output.ts";
import { readText } from "../read-text.ts";

interface PerplexityOptions extends ModelCommandOptions {
  readonly file: string;
  readonly context?: number;
  readonly kv?: "f32" | "bf16";
  readonly json?: boolean;
}

const examples = `
Example:
  $ polywen perplexity ./model --file text.txt --context 2048`;

/** `polywen perplexity`: how well a model predicts a text. */
export function addPerplexityCommand(program: Command): void {
  const command = program
    .command("perplexity")
    .summary("measure how well a model predicts a text")
    .description("Measures perplexity over sliding windows that overlap by half; each token but the first counts once.")
    .argument("<model>", 'folder of a model, or "polywen/tiny"')
    .requiredOption("--file <file>", "UTF-8 text; - reads it from stdin")
    .option("--context <n>", "tokens of a window (default: the context of the model, at most 2048)", parseNumber)
    .addOption(new Option("--kv <dtype>", "precision of the key-value cache").choices(["f32", "bf16"]))
    .option("--json", "as one JSON object");
  addModelOptions(command)
    .addHelpText("after", examples)
    .action(run);
}

async function run(source: string, options: PerplexityOptions): Promise<void> {
  const signal = interruption();
  const text = await readText(options.file);
  const model = await loadForCommand(source, options, defined({ cacheTokens: options.context ?? 2048, maxSequences: 1, kvDType: options.kv, signal }));
  try {
    const { perplexity, tokens, context } = await model.perplexity(text, defined({ context: options.context, signal }));
    const { memory, warnings } = model.info;
    if (options.json === true) return await printJson({ perplexity, tokens, context, kvBytes: memory.cache, weightBytes: memory.weights, warnings });
    await printFacts({
      Perplexity: perplexity.toFixed(4),
      Tokens: `${tokens}, in windows of ${context}`,
      Memory: `weights ${formatBytes(memory.weights)}, cache ${formatBytes(memory.cache)}`,
    });
  } finally {
    await model.dispose();
  }
}
