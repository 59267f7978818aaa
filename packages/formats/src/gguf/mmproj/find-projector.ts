import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { takesProjector } from "./vision-kinds.ts";

/** Where the mmproj of a model is, and what a user should know if there is none. */
export interface FoundProjector {
  readonly path?: string;
  readonly warnings: readonly string[];
}

/**
 * The mmproj that a model is opened with: the one that was given; else, for a model that takes one, the only file beside it whose
 * name says that it is one; with `false`, none.
 */
export async function findProjector(model: string, architecture: string, given: string | false | undefined): Promise<FoundProjector> {
  if (given === false) return { warnings: [] };
  if (given !== undefined) return { path: given, warnings: [] };
  if (!takesProjector(architecture)) return { warnings: [] };
  const names = await readdir(dirname(model)).catch(() => []);
  const [found, ...others] = names.filter((name) => /mmproj[^/\\]*\.gguf$/i.test(name) && name !== basename(model));
  if (found !== undefined && others.length === 0) return { path: join(dirname(model), found), warnings: [] };
  const reason = found === undefined ? "there is no mmproj beside it" : `there are ${others.length + 1} mmproj files beside it, and none was chosen`;
  return { warnings: [`This vision-language model is loaded for text alone: ${reason}.`] };
}
