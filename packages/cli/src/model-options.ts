import { InvalidArgumentError, Option, type Command } from "commander";
import { loadModel, type BackendName, type LoadModelOptions, type Model } from "polywen";
import { warn } from "./output.ts";
import { LoadProgress } from "./load-progress.ts";

/** Options of all commands that load a model. */
export interface ModelCommandOptions {
  readonly backend: BackendName;
  readonly threads?: number;
  readonly quiet?: boolean;
  /** False: none. */
  readonly mmproj?: string | false;
}

/** Adds the options that choose where a model runs. */
export function addModelOptions(command: Command): Command {
  return command
    .addOption(new Option("--backend <name>", "what computes").choices(["auto", "cpu", "reference"]).default("auto"))
    .option("--threads <n>", "threads of the native backend (default: all cores)", parseNumber)
    .option("--mmproj <file>", "with what a GGUF model sees pictures (default: the only mmproj*.gguf beside it)")
    .option("--no-mmproj", "load such a model for text alone")
    .option("--quiet", "no progress and no warnings on stderr");
}

/** Loads a model, showing progress to a person who watches. Warnings go to stderr unless a program reads the result. */
export async function loadForCommand(source: string, options: ModelCommandOptions & { readonly json?: boolean }, more: LoadModelOptions): Promise<Model> {
  const silent = options.quiet === true || options.json === true;
  const progress = new LoadProgress(!silent && process.stderr.isTTY === true);
  try {
    const model = await loadModel(source, defined({ backend: options.backend, threads: options.threads, mmproj: options.mmproj, onProgress: progress.update, ...more }));
    progress.clear();
    if (!silent) model.info.warnings.forEach(warn);
    return model;
  } finally {
    progress.clear();
  }
}

/** Reads a number; its range is checked by what uses it. */
export function parseNumber(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError("A number is expected.");
  return value;
}

/** The object without what was not given. */
export function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}
