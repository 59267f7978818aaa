import { PolywenError } from "@polywen/tensor";

/** The operating system refused an operation on a file: no permission, disk full, input/output error. `cause` is its error. */
export class FileAccessError extends PolywenError {
  constructor(facts: { file: string; operation: "open" | "read" | "write"; systemCode: string }, cause: unknown) {
    super("FILE_ACCESS", `Cannot ${facts.operation} ${facts.file}: the system reports ${facts.systemCode}.`, { facts, cause });
  }
}

/** What messages call an error of the system or of a connection: its code (`ENOENT`, `ENOSPC`, `CERT_HAS_EXPIRED`, …), where it has one. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") return "an error";
  // Node's own check of paths, for one with a NUL.
  return code === "ERR_INVALID_ARG_VALUE" ? "an invalid path" : code;
}
