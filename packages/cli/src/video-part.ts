import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { InvalidFileError, NotFoundError } from "@polywen/tensor";
import { video, type MediaPart, type VideoOptions } from "polywen";

/** A video from a folder whose files are its frames, in the order of the numbers in their names, or from one animated file; with its sound, if there is one. */
export async function videoPart(path: string, options: VideoOptions): Promise<MediaPart> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new NotFoundError({ what: "File or folder", name: path });
  if (!found.isDirectory()) return video(path, options);
  const names = (await readdir(path)).filter((name) => !name.startsWith(".")).sort(new Intl.Collator("en", { numeric: true }).compare);
  if (names.length === 0) throw new InvalidFileError({ file: path, problem: "there are no frames in it" });
  return video(names.map((name) => join(path, name)), options);
}
