import { createRequire } from "node:module";
import { Command } from "commander";

/** The `polywen` command: its name, its version and its subcommands. */
export function createProgram(): Command {
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  return new Command("polywen").description("Multimodal language models from the command line").version(version);
}
