import type { Command } from "commander";
import { openTokenizer } from "polywen";
import { usageError } from "../exit-code.ts";
import { print, printJson } from "../output.ts";
import { readText } from "../read-text.ts";

interface TokenizeOptions {
  readonly textFile?: string;
  readonly special?: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ polywen tokenize polywen/tiny "What digit is this?"
  $ polywen tokenize ./model --text-file essay.txt --json`;

/** `polywen tokenize`: the ids of a text. */
export function addTokenizeCommand(program: Command): void {
  program
    .command("tokenize")
    .summary("show the tokens of a text")
    .description("Shows the tokens of a text. Reads the tokenizer only, no weights.")
    .argument("<model>", 'folder of a model, or "polywen/tiny"')
    .argument("[text]", "text; - reads it from stdin")
    .option("--text-file <file>", "UTF-8 file with the text")
    .option("--special", "special tokens in the text count; without, they are plain text")
    .option("--json", "ids, tokens and the text decoded back as JSON")
    .addHelpText("after", examples)
    .action(run);
}

async function run(source: string, text: string | undefined, options: TokenizeOptions): Promise<void> {
  if ((text === undefined) === (options.textFile === undefined)) throw usageError("give either a text or --text-file");
  const tokenizer = await openTokenizer(source);
  const content = options.textFile !== undefined ? await readText(options.textFile) : text === "-" ? await readText("-") : text!;
  const ids = tokenizer.encode(content, { special: options.special ?? false });
  const tokens = ids.map((id) => tokenizer.idToToken(id)!);
  if (options.json === true) await printJson({ ids, tokens, text: tokenizer.decode(ids) });
  else await print(ids.map((id, index) => `${String(id).padStart(7)}  ${tokens[index]}\n`).join(""));
}
