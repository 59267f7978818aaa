import { PolywenError } from "@polywen/tensor";

/** The operating system refused an operation on a file: no permission, disk full, input/output error. `cause` is its error. */
export class FileAccessError extends PolywenError {
  constructor(facts: { file: string; operation: "open" | "read" | "write"; systemCode: string }, cause: unknown) {
    super("FILE_ACCESS", `Cannot ${facts.operation} ${facts.file}: the system reports ${facts.systemCode}.`, { facts, cause });
  }
}

/** The code of a system error (`ENOENT`, `ENOSPC`, …), or undefined for any other value. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
