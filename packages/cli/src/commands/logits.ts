import type { Command } from "commander";
import { writeSafetensors } from "@polywen/formats";
import { audio, image, isEncoder, loadEncoder, PolywenError, video, type EncodedMedium, type Logits } from "polywen";
import { interruption } from "../interruption.ts";
import { logitsTensors, mediaTensors } from "../logits/logits-tensors.ts";
import { readLogitsInput, type LogitsCommandInput } from "../logits/read-logits-input.ts";
import { addModelOptions, defined, loadForCommand, type ModelCommandOptions } from "../model-options.ts";
import { printJson } from "../output.ts";

interface LogitsOptions extends ModelCommandOptions {
  readonly input: string;
  readonly output: string;
  readonly json?: boolean;
}

/** How much a model is loaded for. */
interface Room {
  readonly cacheTokens: number;
  readonly mediaRows: number;
}

/** Rows that media may take before the model is loaded again with more. */
const usualMediaRows = 8192;

const examples = `
The input is {"ids": […], "images": [paths], "audios": [paths], "videos": [{"frames": [paths], "fps": 2, "sound": path}], "maxTokens": n}:
one placeholder for each medium, in order.

Example:
  $ polywen logits ./model --input in.json --output out.safetensors --backend reference`;

/** `polywen logits`: what a model computes, for comparison with other implementations. */
export function addLogitsCommand(program: Command): void {
  const command = program
    .command("logits")
    .summary("write logits for comparison with other implementations")
    .description("Writes the logits of every prompt token, a greedy continuation and what the encoders made of media, with an exact cache.")
    .argument("<model>", 'folder of a model, or "polywen/tiny"')
    .requiredOption("--input <file>", "JSON file; paths in it are relative to its folder")
    .requiredOption("--output <file>", "safetensors file to write")
    .option("--json", "a summary as one JSON object");
  addModelOptions(command)
    .addHelpText("after", examples)
    .action(run);
}

async function run(source: string, options: LogitsOptions): Promise<void> {
  const signal = interruption();
  const input = await readLogitsInput(options.input);
  if (await isEncoder(source)) return runEncoder(source, input, options, signal);
  const { logits, warnings } = await computeLogits(source, input, options, signal);
  await writeSafetensors(options.output, logitsTensors(logits));
  if (options.json === true) await printJson({ output: options.output, rows: logits.ids.length, greedy: Array.from(logits.greedy), warnings });
}

/** An encoder alone has no logits: what it makes of each medium is written. */
async function runEncoder(source: string, input: LogitsCommandInput, { backend, threads, output, json }: LogitsOptions, signal: AbortSignal): Promise<void> {
  const encoder = await loadEncoder(source, defined({ backend, threads, media: { overlongAudio: "cut" as const }, signal }));
  try {
    const encoded: EncodedMedium[] = [];
    for (const file of [...input.images, ...input.audios]) encoded.push(await encoder.encode(file, { signal }));
    await writeSafetensors(output, mediaTensors(encoded));
    if (json === true) await printJson({ output, rows: encoded.reduce((sum, { rows }) => sum + rows, 0), warnings: encoder.info.warnings });
  } finally {
    await encoder.dispose();
  }
}

/**
 * A text says how much room it needs. How many rows media take is known once they are decoded: if it is more than
 * usual, the model is loaded again with as much as the error asks for. The context length of the architecture is no limit.
 */
async function computeLogits(source: string, input: LogitsCommandInput, options: LogitsOptions, signal: AbortSignal): Promise<{ logits: Logits; warnings: readonly string[] }> {
  const media = [...input.images.map((file) => image(file)), ...input.audios.map((file) => audio(file)), ...input.videos.map(({ frames, ...options }) => video(frames, options))];
  let room: Room = { cacheTokens: Math.max(input.ids.length + input.maxTokens, 1) + (media.length === 0 ? 0 : usualMediaRows), mediaRows: usualMediaRows };
  for (;;) {
    const model = await loadForCommand(source, options, { ...room, kvDType: "f32", activations: "f32", maxSequences: 1, media: { overlongAudio: "cut" }, signal });
    try {
      const logits = await model.logits({ ids: input.ids, media, maxTokens: input.maxTokens, signal });
      return { logits, warnings: model.info.warnings };
    } catch (error) {
      const more = roomAskedFor(error, room, input.maxTokens);
      if (more === undefined) throw error;
      room = more;
    } finally {
      await model.dispose();
    }
  }
}

/** The room that an error says was missing, if that is what it says. */
function roomAskedFor(error: unknown, room: Room, maxTokens: number): Room | undefined {
  if (!PolywenError.isInstance(error)) return undefined;
  const { unit, limit, received, requested } = error.facts;
  if (error.code === "LIMIT_EXCEEDED" && unit === "tokens" && typeof limit === "number" && limit >= room.cacheTokens && typeof received === "number") {
    return { ...room, cacheTokens: received + maxTokens };
  }
  if (error.code === "OUT_OF_MEMORY" && unit === "media rows" && typeof requested === "number" && requested > room.mediaRows) {
    return { ...room, mediaRows: requested };
  }
  return undefined;
}
