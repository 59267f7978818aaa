import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { FileAccessError, systemCode } from "@polywen/formats";
import { EMBEDDED_MODEL, inspectMedia, type MediaSummary } from "polywen";
import { interruption } from "../interruption.ts";
import { printFacts, printJson } from "../output.ts";

interface InspectMediaCommandOptions {
  readonly output?: string;
  readonly model: string;
  readonly mmproj?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ polywen inspect media photo.jpg --output seen.png
  $ polywen inspect media speech.wav --output spectrogram.png --json`;

/** `polywen inspect media`: what a model sees of a picture or hears of a recording. */
export function addInspectMediaCommand(inspect: Command): void {
  inspect
    .command("media")
    .summary("show what a model sees of an image or a sound file")
    .description("Shows what preprocessing makes of a file: its size in rows of the prompt, what happened to it, and a picture of the result.")
    .argument("<file>", "image or sound")
    .option("--output <file>", "PNG to write: the resized image with the grid of patches, or the log-mel spectrogram")
    .option("--model <model>", "whose preprocessing is applied", EMBEDDED_MODEL)
    .option("--mmproj <file>", "of a model in GGUF (default: the only mmproj*.gguf beside it)")
    .option("--json", "as one JSON object")
    .addHelpText("after", examples)
    .action(run);
}

async function run(file: string, _options: unknown, command: Command): Promise<void> {
  // The parent command has options of the same names: wherever they are written, they are meant for this one.
  const { model, mmproj, output, json } = command.optsWithGlobals<InspectMediaCommandOptions>();
  const { picture, ...summary } = await inspectMedia(file, { model, mmproj, signal: interruption() });
  if (output !== undefined) await writePicture(output, picture);
  if (json === true) return printJson({ file, model, ...summary, ...(output === undefined ? {} : { output }) });
  await printFacts({ File: file, ...factsOf(summary), "What happened": summary.changes.join("\n") || "nothing", Picture: output });
}

/** Not by way of a file beside it: the output may be a device or a pipe. */
async function writePicture(file: string, picture: Uint8Array): Promise<void> {
  try {
    await writeFile(file, picture);
  } catch (error) {
    throw new FileAccessError({ file, operation: "write", systemCode: systemCode(error) }, error);
  }
}

function factsOf(summary: Omit<MediaSummary, "picture">): Record<string, string | number | undefined> {
  if (summary.kind === "audio") {
    const { seconds, mels, frames, rows } = summary as Extract<MediaSummary, { kind: "audio" }>;
    return { Sound: `${seconds.toFixed(2)} seconds`, Features: `${frames} frames of ${mels} mel bands`, "Rows of the prompt": rows };
  }
  const { format, originalSize, size, grid, patchSize, mergeSize, rows } = summary as Extract<MediaSummary, { kind: "image" }>;
  return {
    Image: `${format}, ${originalSize.width} × ${originalSize.height} pixels`,
    "Seen as": `${size.width} × ${size.height} pixels`,
    Patches: `${grid[1]} rows of ${grid[2]}, ${patchSize} × ${patchSize} pixels each`,
    "Rows of the prompt": `${rows}, one for ${mergeSize} × ${mergeSize} patches`,
  };
}
