import { createRequire } from "node:module";
import { Command } from "commander";
import { addBenchCommand } from "./commands/bench.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addInspectCommand } from "./commands/inspect.ts";
import { addLogitsCommand } from "./commands/logits.ts";
import { addPerplexityCommand } from "./commands/perplexity.ts";
import { addRunCommand } from "./commands/run.ts";
import { addTokenizeCommand } from "./commands/tokenize.ts";

/**
 * The `polywen` command: its name, its version and its subcommands. `parseAsync` throws what goes wrong, usage errors
 * as commander's `CommanderError`; `runProgram` turns that into messages and exit codes.
 */
export function createProgram(): Command {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  const program = new Command("polywen")
    .description("Multimodal language models from the command line")
    .version(version)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  for (const add of [addRunCommand, addLogitsCommand, addTokenizeCommand, addInspectCommand, addPerplexityCommand, addBenchCommand, addDoctorCommand]) add(program);
  return program.addHelpText("after", "\nExit codes: 0 done, 1 failure, 2 usage, 3 not found, 4 bad file, 5 out of memory, 6 network, 130 and 143 signals.");
}
