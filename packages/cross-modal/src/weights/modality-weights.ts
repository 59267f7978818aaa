import { collectWeights, crossWeights, gateFactorName, type CrossAttention, type CrossLayer, type CrossWeight, type WeightNaming } from "@polywen/core";
import { openCheckpoint, type Checkpoint } from "@polywen/formats";
import { decodeFloats, InvalidArgumentError, NotFoundError, weightFromFloats, type Program, type WeightData } from "@polywen/tensor";
import { encoderWeightNames } from "../encoder-program.ts";
import type { ModalityDefinition, ModalityWeights } from "../modality.ts";
import { readWeightBytes } from "./read-weight.ts";

/** What `saveModality` writes into the metadata of a file: its tensors are named and laid out as programs have them, whatever names a checkpoint gives them. */
export const ADAPTER_FORMAT = "polywen-modality";

/** The weights of one modality, wherever they are: those of an adapter, and those of an encoder that has a file of its own. */
export class ModalityWeightSource {
  readonly #definition: ModalityDefinition<unknown>;
  readonly #adapter: Checkpoint | ReadonlyMap<string, WeightData>;
  readonly #encoder: Checkpoint | undefined;
  /** Weights that are in the encoder's own file. */
  readonly #encoders: ReadonlySet<string>;

  private constructor(definition: ModalityDefinition<unknown>, adapter: Checkpoint | ReadonlyMap<string, WeightData>, encoder: Checkpoint | undefined) {
    this.#definition = definition;
    this.#adapter = adapter;
    this.#encoder = encoder;
    this.#encoders = encoder === undefined ? new Set() : encoderWeightNames(definition);
  }

  /** Opens the files; only headers are read. */
  static async open(definition: ModalityDefinition<unknown>, weights: ModalityWeights | Checkpoint): Promise<ModalityWeightSource> {
    const { encoder } = definition;
    const file = encoder.kind === "program" ? encoder.weights : undefined;
    const adapter = typeof weights === "string" ? await openCheckpoint(weights) : weights;
    return new ModalityWeightSource(definition, adapter, file === undefined ? undefined : await openCheckpoint(file));
  }

  /** The weights of a program. Throws NotFoundError, InvalidFileError or InvalidArgumentError for a wrong shape, UnsupportedError for a dtype. */
  async find(program: Program): Promise<ReadonlyMap<string, WeightData>> {
    const derived = this.#derived;
    const [foreign, own] = [onlyWeights(program, (name) => this.#encoders.has(name)), onlyWeights(program, (name) => !this.#encoders.has(name))];
    const encoder = this.#encoder === undefined ? new Map<string, WeightData>() : await collectWeights([foreign], this.#encoder, this.#naming, derived);
    const adapter = isMap(this.#adapter) ? takeWeights(this.#adapter, own, this.#definition.name, derived) : await collectWeights([own], this.#adapter, this.#adapter.metadata.get("format") === ADAPTER_FORMAT ? () => undefined : this.#naming, derived);
    return new Map([...encoder, ...adapter]);
  }

  /** Reads the gates of blocks: which branches do something, and the weights that stand for the gates in a step. */
  async readGates(cross: CrossAttention, hiddenSize: number): Promise<{ readonly layers: readonly CrossLayer[]; readonly gates: ReadonlyMap<string, WeightData> }> {
    const gates = new Map<string, WeightData>();
    const layers: CrossLayer[] = [];
    const open = async (gate: CrossWeight): Promise<boolean> => {
      const values = await this.#readGate(gate.name, hiddenSize);
      if (values.every((value) => value === 0)) return false;
      gates.set(gateFactorName(gate), weightFromFloats(values, [hiddenSize]));
      return true;
    };
    for (const { index } of cross.layers) {
      const { attention, mlp } = crossWeights(cross, index, hiddenSize);
      const layer = { index, attention: await open(attention.gate), mlp: mlp !== undefined && (await open(mlp.gate)) };
      if (layer.attention || layer.mlp) layers.push(layer);
    }
    return { layers, gates };
  }

  /** The stored gate: a scalar, or one for each column. Throws `NotFoundError` and `InvalidArgumentError`. */
  async gate(name: string, hiddenSize: number): Promise<WeightData> {
    const stored = await this.#storedGate(name);
    const length = stored.shape.reduce((product, extent) => product * extent, 1);
    if (length === 1 || length === hiddenSize) return { ...stored, shape: [length] };
    throw new InvalidArgumentError({ argument: `${this.#definition.name} weight ${name}`, expected: `one value or ${hiddenSize}`, received: `shape [${stored.shape.join(", ")}]` });
  }

  /** The hyperbolic tangent of a gate for every column. */
  async #readGate(name: string, hiddenSize: number): Promise<Float32Array> {
    const stored = await this.gate(name, hiddenSize);
    const values = decodeFloats(await readWeightBytes(name, stored), stored.dtype);
    const gates = Float32Array.from({ length: hiddenSize }, (_, column) => Math.tanh(values[values.length === 1 ? 0 : column]!));
    if (gates.some((value) => Number.isNaN(value))) throw new InvalidArgumentError({ argument: `${this.#definition.name} weight ${name}`, expected: "numbers", received: "NaN" });
    return gates;
  }

  async #storedGate(name: string): Promise<WeightData> {
    if (!isMap(this.#adapter)) {
      // In a program a weight has rows and columns at most; a gate of any shape is read as one row.
      const { shape } = this.#adapter.entry(name);
      return (await collectWeights([weightProgram(name, shape)], this.#adapter, () => undefined)).get(name)!;
    }
    const stored = this.#adapter.get(name);
    if (stored === undefined) throw missing(name, this.#definition.name, this.#adapter);
    return stored;
  }

  get #derived(): ReadonlyMap<string, WeightData> | undefined {
    const { encoder } = this.#definition;
    return encoder.kind === "program" ? encoder.derived : undefined;
  }

  readonly #naming: WeightNaming = (name) => {
    const { encoder, connector } = this.#definition;
    return (encoder.kind === "program" ? encoder.naming?.(name) : undefined) ?? connector.naming?.(name);
  };
}

function weightProgram(name: string, stored: readonly number[]): Program {
  const [first = 1, ...rest] = stored;
  const shape = rest.length === 0 ? [first] : [first, rest.reduce((product, extent) => product * extent)];
  return { name, dimensions: [], operations: [], tensors: [{ id: 0, name, role: "weight", dtype: "f32", shape }] };
}

/** The program without weights that `keep` does not name; what else it holds is left alone. */
function onlyWeights(program: Program, keep: (name: string) => boolean): Program {
  return { ...program, tensors: program.tensors.filter(({ role, name }) => role === "weight" && keep(name)) };
}

/** Picks a program's weights from tensors in memory. */
function takeWeights(given: ReadonlyMap<string, WeightData>, program: Program, modality: string, derived?: ReadonlyMap<string, WeightData>): ReadonlyMap<string, WeightData> {
  return new Map(
    program.tensors.map(({ name, shape }) => {
      const weight = derived?.get(name) ?? given.get(name);
      if (weight === undefined) throw missing(name, modality, given);
      if (weight.shape.join() !== shape.join()) {
        throw new InvalidArgumentError({ argument: `${modality} weight ${name}`, expected: `shape [${shape.join(", ")}]`, received: `shape [${weight.shape.join(", ")}]` });
      }
      return [name, weight];
    }),
  );
}

function missing(name: string, modality: string, given: ReadonlyMap<string, WeightData>): NotFoundError {
  return new NotFoundError({ what: "Tensor", name, where: `the weights of modality ${modality}`, nearest: [...given.keys()].slice(0, 3) });
}

function isMap(weights: Checkpoint | ReadonlyMap<string, WeightData>): weights is ReadonlyMap<string, WeightData> {
  return weights instanceof Map;
}
