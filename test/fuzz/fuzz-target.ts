import type { Random } from "./random.ts";

/** One way in which foreign bytes come into Polywen. */
export interface FuzzTarget {
  readonly name: string;
  /** The file of the model that is foreign. */
  readonly fileName: string;
  /** Good files, from which all others are made. */
  seeds(): Buffer[];
  /** One changed file; parts of `other` may be taken over. */
  mutate(bytes: Buffer, random: Random, other: Buffer): Buffer;
  /** Writes what lies beside the file. */
  prepare(folder: string): Promise<void>;
  /** Does with the file what a user's first calls would do. Ends, or throws one of Polywen's errors. */
  attempt(folder: string): Promise<void>;
  /** Releases what attempts shared. */
  close?(): Promise<void>;
}
