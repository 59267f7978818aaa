import { CommanderError } from "commander";
import { PolywenError } from "polywen";
import { createProgram } from "./create-program.ts";
import { exitCodeOf } from "./exit-code.ts";
import { exitQuietlyWithoutReader, printJson, reportProblem } from "./output.ts";

/** Runs a command line (without node and script) and sets the exit code of the process. Never throws. */
export async function runProgram(args: readonly string[]): Promise<void> {
  exitQuietlyWithoutReader();
  try {
    await createProgram().parseAsync(args, { from: "user" });
  } catch (error) {
    // A signal has set its own exit code; the error is only its consequence.
    process.exitCode ??= exitCodeOf(error);
    if (process.exitCode !== 0) await report(describe(error), wantsJson(args));
  }
}

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly facts?: unknown;
}

function describe(error: unknown): Problem {
  if (PolywenError.isInstance(error)) return error.toJSON();
  if (error instanceof CommanderError) return { code: "USAGE", message: usageMessage(error), hint: "See polywen --help, or --help after a command." };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "INTERNAL", message, hint: "This is a bug in Polywen. Please report it with the output of polywen doctor." };
}

function usageMessage({ code, message }: CommanderError): string {
  return code === "commander.help" ? "a command is expected" : message.replace(/^error: /, "");
}

async function report(problem: Problem, json: boolean): Promise<void> {
  if (json) await printJson({ error: problem });
  else reportProblem(problem.message, problem.hint);
}

/** Commander cannot tell when the arguments themselves are wrong. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? undefined : end).includes("--json");
}
