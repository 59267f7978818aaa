import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FileAccessError, findInFolder, isSafetensorsDtype, parseWith, readJsonObject, systemCode, writeAtomically, writeSafetensors, type SafetensorsTensor } from "@polywen/formats";
import { InvalidFileError, ProgramBuilder, UnsupportedError } from "@polywen/tensor";
import { resolveCrossAttention, type Injection } from "../injection/injection.ts";
import type { BoundModality, ModalityDefinition } from "../modality.ts";
import type { TextShape } from "../text-shape.ts";
import { adapterWeights } from "./initial-weights.ts";
import { ADAPTER_FORMAT, ModalityWeightSource } from "./modality-weights.ts";
import { readWeightBytes } from "./read-weight.ts";

const FILE = "polywen_modality.json";
const VERSION = 1;

const count = z.int().min(0).max(2 ** 24);
const schema = z.object({
  format: z.literal(ADAPTER_FORMAT),
  version: z.literal(VERSION),
  name: z.string().max(64),
  hidden_size: count,
  injection: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("prefix") }),
    z.object({
      kind: z.literal("cross-attention"),
      layers: z.array(count).max(1024),
      heads: count,
      key_heads: count,
      head_width: count,
      intermediate_size: count,
      attend: z.enum(["latest", "all-previous"]),
    }),
  ]),
});

/** What the JSON file of an adapter says. */
type ModalityManifest = z.infer<typeof schema>;

/**
 * Writes an adapter: `model.safetensors` with the weights of encoder, connector and blocks, and `polywen_modality.json`, which
 * says for what text model they are. Weights that an encoder has in a file of its own are left there. `withWeights(folder)`
 * reads it. Nothing is written unless all weights are there in their shapes; throws as loading does, and FileAccessError.
 */
export async function saveModality(folder: string, { definition, weights }: BoundModality, text: TextShape): Promise<void> {
  const builder = new ProgramBuilder(definition.name);
  const wanted = adapterWeights(definition, text);
  for (const { name, shape, gate } of wanted) if (!gate) builder.weight(name, shape);
  const source = await ModalityWeightSource.open(definition, weights);
  const found = new Map(await source.find(builder.build()));
  for (const { name, gate } of wanted) if (gate) found.set(name, await source.gate(name, text.hiddenSize));
  const tensors: SafetensorsTensor[] = [];
  for (const [name, weight] of found) {
    const dtype = weight.dtype.toUpperCase();
    if (!isSafetensorsDtype(dtype)) throw new UnsupportedError({ feature: `Saving ${name} as ${dtype}`, supported: ["F32", "F16", "BF16"] });
    tensors.push({ name, dtype, shape: weight.shape, data: await readWeightBytes(name, weight) });
  }
  await makeFolder(folder);
  await writeSafetensors(join(folder, "model.safetensors"), tensors, { format: ADAPTER_FORMAT });
  await writeAtomically(join(folder, FILE), [Buffer.from(`${JSON.stringify(manifestOf(definition, text), undefined, 2)}\n`)]);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new FileAccessError({ file: folder, operation: "write", systemCode: systemCode(error) }, error);
  }
}

/**
 * Checks that a folder which `saveModality` wrote is for this modality and this text model; other folders say nothing about it.
 * Throws `UnsupportedError` for a version that is not known, `InvalidFileError` for another modality, hidden size or injection.
 */
export async function checkModalityFolder(folder: string, definition: ModalityDefinition<unknown>, text: TextShape): Promise<void> {
  const file = await findInFolder(folder, FILE);
  if (file === undefined) return;
  const json = await readJsonObject(file, "config");
  if (json["format"] === ADAPTER_FORMAT && json["version"] !== VERSION) {
    throw new UnsupportedError({ feature: `${file}: version ${JSON.stringify(json["version"])} of the format`, supported: [String(VERSION)] }, { hint: "A newer Polywen wrote this folder." });
  }
  const stored = parseWith(schema, json, file);
  const expected = manifestOf(definition, text);
  requireSame(file, "/name", stored.name, expected.name, "the modality");
  requireSame(file, "/hidden_size", stored.hidden_size, expected.hidden_size, "the hidden size of the text model");
  requireSame(file, "/injection", stored.injection, expected.injection, "the injection of this modality in this text model");
}

function requireSame(file: string, pointer: string, received: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(received), JSON.stringify(expected)];
  if (left === right) return;
  throw new InvalidFileError({ file, problem: `it is ${left}, but ${what} is ${right}`, pointer }, { hint: "The adapter was made for another model or another definition of the modality." });
}

function manifestOf({ name, injection = { kind: "prefix" } }: ModalityDefinition<unknown>, text: TextShape): ModalityManifest {
  return { format: ADAPTER_FORMAT, version: VERSION, name, hidden_size: text.hiddenSize, injection: manifestInjection(name, injection, text) };
}

function manifestInjection(name: string, injection: Injection, text: TextShape): ModalityManifest["injection"] {
  if (injection.kind === "prefix") return { kind: "prefix" };
  const { layers, heads, keyHeads, headWidth, intermediateSize, attend } = resolveCrossAttention(name, injection, text, 1);
  return { kind: "cross-attention", layers: layers.map(({ index }) => index), heads, key_heads: keyHeads, head_width: headWidth, intermediate_size: intermediateSize, attend };
}
