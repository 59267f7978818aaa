import { CommanderError } from "commander";
import { PolywenError } from "polywen";

const byCode: Readonly<Record<string, number>> = {
  ARGUMENT_INVALID: 2,
  NOT_FOUND: 3,
  FILE_INVALID: 4,
  UNSUPPORTED: 4,
  TEMPLATE_MISSING: 4,
  TEMPLATE_INVALID: 4,
  TEMPLATE_LIMIT: 4,
  OUT_OF_MEMORY: 5,
  NETWORK: 6,
};

/**
 * The exit code for what a command threw: 2 usage, 3 not found, 4 a file that is damaged or asks for what is not
 * supported, 5 out of memory, 6 network, else 1. Commander throws to show help as well, which is no failure.
 */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return PolywenError.isInstance(error) ? (byCode[error.code] ?? 1) : 1;
}

/** Options that do not go together, reported as commander reports its own. */
export function usageError(message: string): CommanderError {
  return new CommanderError(2, "polywen.usage", message);
}
