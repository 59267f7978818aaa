import type { Model } from "polywen";

/** Where the parent leaves the files of a case and the child finds them. */
export interface Workspace {
  /** A folder of the case's own, deleted afterwards. */
  readonly folder: string;
  path(name: string): string;
}

/** What a call does to Polywen. It is the whole of what is measured. */
export type Attempt = () => Promise<AttemptResult>;

/** What a call that did not fail shows of its result. */
export interface AttemptResult {
  readonly warnings?: readonly string[];
  /** Facts that the expected result may ask for. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Where in a file the fault is: a byte offset, a JSON pointer, its end (of the one file of a case), or the file as a whole where its decoder says no more. */
export type Place = { readonly offset: number } | { readonly pointer: string } | "end of the file" | "whole file";

/** What must come of a case. */
export type Outcome =
  | { readonly kind: "result"; readonly note: string; readonly facts?: Readonly<Record<string, unknown>> }
  | { readonly kind: "warning"; readonly says: string }
  | {
      readonly kind: "error";
      readonly code: string;
      /** Base name of the file, or what stands for it ("the image data URL"); the error must name it. */
      readonly file?: string;
      /** Needed wherever the code is `FILE_INVALID`. */
      readonly place?: Place;
      /** Words that the message or the hint must hold. */
      readonly says?: string;
    };

/** One row of the table of bad inputs. Functions run where their comment says; nothing else crosses between the processes. */
export interface HostileCase {
  /** Number of the kind of fault, and a letter for the variant. */
  readonly id: string;
  readonly input: string;
  /** Parent: writes the files. */
  readonly write?: (workspace: Workspace) => Promise<void>;
  /** Child, not measured: a model that the attempts ask, none for cases of loading. */
  readonly model?: (workspace: Workspace) => Promise<Model>;
  /** Child: the calls, each of which must end as `outcome` says within the limits. Building the list is not measured. */
  readonly attempts: (workspace: Workspace, model: Model) => readonly Attempt[] | Promise<readonly Attempt[]>;
  readonly outcome: Outcome;
}

/** Milliseconds that a call may take on an idle machine, start of the process and of the model not counted. */
export const timeLimit = 2000;

/** Bytes that a call may add to the resident memory: four times its files, and always 64 MiB. */
export function memoryLimit(bytesOfFiles: number): number {
  return Math.max(4 * bytesOfFiles, 64 * 2 ** 20);
}

/** An expected error. */
export function failure(code: string, rest: Omit<Extract<Outcome, { kind: "error" }>, "kind" | "code"> = {}): Outcome {
  return { kind: "error", code, ...rest };
}

/** An expected result. */
export function result(note: string, facts?: Readonly<Record<string, unknown>>): Outcome {
  return { kind: "result", note, ...(facts === undefined ? {} : { facts }) };
}
