import { readFile, truncate, writeFile } from "node:fs/promises";
import { crossAttention, defineModality, initialWeights, linearConnector, loadModel, saveModality, weightFromFloats, type BoundModality, type Modality, type TextShape, type WeightData } from "polywen";
import { failure, type Attempt, type HostileCase, type Outcome, type Workspace } from "../hostile-case.ts";

/** Of the embedded model. */
const text: TextShape = { hiddenSize: 192, mediaLevels: 1, layers: 4, heads: 6, keyHeads: 2, headWidth: 32, intermediateSize: 512 };

/** What a function of features returns, whatever it is. */
type Encode = (input: number) => unknown;

const plain: Encode = async (rows) => ({ rows, features: new Float32Array(rows * 4) });

function modality(encode: Encode = plain): Modality<number> {
  return defineModality({ name: "thing", encoder: { kind: "function", width: 4, encode: encode as never }, connector: linearConnector(), injection: crossAttention({ every: 2 }) });
}

async function load(bound: BoundModality): Promise<Record<never, never>> {
  await (await loadModel("polywen/tiny", { modalities: [bound], mediaRows: 64 })).dispose();
  return {};
}

/** A case of a folder that `saveModality` wrote and `change` damaged. */
function adapter(id: string, input: string, change: (workspace: Workspace) => Promise<unknown>, outcome: Outcome): HostileCase {
  return {
    id,
    input,
    write: async (workspace) => {
      await saveModality(workspace.folder, modality().withWeights(initialWeights(modality(), text, { seed: 1 })), text);
      await change(workspace);
    },
    attempts: ({ folder }) => [() => load(modality().withWeights(folder))],
    outcome,
  };
}

function manifest(change: (fields: Record<string, unknown>) => void): (workspace: Workspace) => Promise<void> {
  return async (workspace) => {
    const file = workspace.path("polywen_modality.json");
    const fields = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    change(fields);
    await writeFile(file, JSON.stringify(fields));
  };
}

/** A case of weights in memory. */
function weights(id: string, input: string, change: (given: Map<string, WeightData>) => void, outcome: Outcome): HostileCase {
  return {
    id,
    input,
    attempts: () => {
      const given = initialWeights(modality(), text, { seed: 1 });
      change(given);
      return [() => load(modality().withWeights(given))];
    },
    outcome,
  };
}

/** Weights with an open gate: behind closed ones media are not even encoded. */
function openWeights(): Map<string, WeightData> {
  return initialWeights(modality(), text, { seed: 1 }).set(gate, weightFromFloats(Float32Array.of(1), [1]));
}

/** A case of encoders that users wrote. All of them must end the same way. */
function encoders(id: string, input: string, functions: readonly (() => unknown)[], outcome: Outcome): HostileCase {
  const chosen = modality((index) => functions[index]!());
  return {
    id,
    input,
    model: () => loadModel("polywen/tiny", { modalities: [chosen.withWeights(openWeights())], mediaRows: 64 }),
    attempts: (_, model) => functions.map((__, index): Attempt => async () => (await model.generate([chosen(index), "?"], { raw: true, maxTokens: 1 }), {})),
    outcome,
  };
}

const file = "polywen_modality.json";
const gate = "model.cross_layers.1.thing.attn_gate";

/** Modalities of users: folders of adapters, weights, and functions that encode. */
export const modalityCases: readonly HostileCase[] = [
  adapter("78a", "an adapter of version 2", manifest((fields) => (fields["version"] = 2)), failure("UNSUPPORTED", { file })),
  adapter("78b", "an adapter whose JSON is cut off", (workspace) => truncate(workspace.path(file), 40), failure("FILE_INVALID", { file, place: { offset: 40 } })),
  adapter("78c", "an adapter for hidden size 10^9", manifest((fields) => (fields["hidden_size"] = 1e9)), failure("FILE_INVALID", { file, place: { pointer: "/hidden_size" } })),
  adapter("78d", "an adapter for another hidden size", manifest((fields) => (fields["hidden_size"] = 896)), failure("FILE_INVALID", { file, place: { pointer: "/hidden_size" }, says: "192" })),
  adapter("78e", "an adapter with 100,000 layers", manifest((fields) => ((fields["injection"] as Record<string, unknown>)["layers"] = new Array(100_000).fill(1))), failure("FILE_INVALID", { file, place: { pointer: "/injection/layers" } })),
  adapter("78f", "an adapter whose weights are cut off", (workspace) => truncate(workspace.path("model.safetensors"), 5000), failure("FILE_INVALID", { file: "model.safetensors", place: { pointer: "/connector.weight/data_offsets" } })),
  weights("79a", "gates that are NaN", (given) => given.set(gate, weightFromFloats(Float32Array.of(Number.NaN), [1])), failure("ARGUMENT_INVALID", { says: gate })),
  weights("79b", "a gate of 10^6 values", (given) => given.set(gate, weightFromFloats(new Float32Array(1e6), [1e6])), failure("ARGUMENT_INVALID", { says: gate })),
  weights("79c", "no gate", (given) => given.delete(gate), failure("NOT_FOUND", { says: gate })),
  encoders("80a", "an encoder that returns nothing, a number, a list, too few features", [async () => undefined, async () => 7, async () => ({ rows: 1, features: [1, 2, 3, 4] }), async () => ({ rows: 3, features: new Float32Array(4) })], failure("ARGUMENT_INVALID")),
  encoders("80b", "an encoder that returns NaN, -1 rows, 1.5 rows, no row", [async () => ({ rows: 1, features: new Float32Array(4).fill(Number.NaN) }), async () => ({ rows: -1, features: new Float32Array(0) }), async () => ({ rows: 1.5, features: new Float32Array(6) }), async () => ({ rows: 0, features: new Float32Array(0) })], failure("ARGUMENT_INVALID")),
  encoders("80c", "an encoder that returns more rows than a medium may have", [async () => ({ rows: 20_000, features: new Float32Array(80_000) })], failure("LIMIT_EXCEEDED", { says: "20000" })),
  encoders("80d", "an encoder that returns more rows than the model has room for", [async () => ({ rows: 65, features: new Float32Array(260) })], failure("OUT_OF_MEMORY", { says: "65" })),
];
