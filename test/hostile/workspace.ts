import { join } from "node:path";
import type { Workspace } from "./hostile-case.ts";

/** The files of a case in `folder`. */
export function createWorkspace(folder: string): Workspace {
  return { folder, path: (name) => join(folder, name) };
}
