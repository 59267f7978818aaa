import { z } from "zod";
import { InvalidFileError } from "@polywen/tensor";

/** Where the fields of a configuration stand. */
export interface ConfigFields {
  readonly file: string;
  /** The way to the object that holds them. Absent: the file itself. */
  readonly pointer?: readonly string[];
}

/** A positive integer up to a limit that refuses a configuration before anything is allocated from it. */
export function sizeSchema(limit: number): z.ZodInt {
  return z.int().min(1).max(limit);
}

/** Throws `InvalidFileError` for a field that no schema can judge alone; its name may be a path. */
export function refuseField({ file, pointer = [] }: ConfigFields, field: string, problem: string): never {
  throw new InvalidFileError({ file, problem, pointer: `/${[...pointer, field].join("/")}` });
}
