import { InvalidArgumentError, LimitExceededError } from "@polywen/tensor";
import type { FeatureGrid } from "./connectors/connector.ts";
import type { FunctionEncoder, PreparedFeatures, PreparedMedium, PrepareOptions } from "./encoder.ts";
import { FEATURES } from "./encoder-program.ts";
import { checkInput, type ModalityDefinition } from "./modality.ts";
import { untilAborted } from "./time-slices.ts";

/** Checks, decodes and preprocesses one medium. Throws `LimitExceededError` if it would take too many rows. */
export async function prepareMedium(definition: ModalityDefinition<unknown>, input: unknown, options: PrepareOptions = {}): Promise<PreparedMedium> {
  const { encoder, name } = definition;
  const checked = await checkInput(definition, input);
  const given = encoder.kind === "program" ? await encoder.prepare(checked, options) : await prepareFeatures(encoder, checked, definition, options);
  if (typeof given !== "object" || given === null) throw new InvalidArgumentError({ argument: `${name} encoder`, expected: "a prepared medium", received: given });
  const prepared = "features" in given ? connect(definition, given) : given;
  const limit = definition.limits?.maxRows ?? 16_384;
  if (prepared.rows > limit) throw new LimitExceededError({ what: `The number of rows of this ${name}`, limit, received: prepared.rows });
  if (prepared.grid !== undefined && prepared.grid.reduce((product, length) => product * length) !== prepared.rows) {
    throw new InvalidArgumentError({ argument: `${name} encoder`, expected: `a grid of ${prepared.rows} rows`, received: prepared.grid.join(" × ") });
  }
  if (prepared.rows < 1) throw new InvalidArgumentError({ argument: name, expected: "a medium of at least one row", received: prepared.rows });
  return prepared;
}

/** Asks the connector what becomes of the features. */
function connect({ name, connector, limits }: ModalityDefinition<unknown>, { features, sizes, inputs }: PreparedFeatures): PreparedMedium {
  const limit = limits?.maxFeatures ?? 65_536;
  if (features.rows > limit) throw new LimitExceededError({ what: `The number of features of this ${name}`, limit, received: features.rows });
  if (connector.prepare === undefined) {
    if (features.rows % connector.stack !== 0) throw new InvalidArgumentError({ argument: `${name} encoder`, expected: `a multiple of ${connector.stack} feature rows`, received: features.rows });
    const grid = connector.stack === 1 && features.grid !== undefined ? { grid: features.grid } : {};
    return { rows: features.rows / connector.stack, ...grid, sizes, inputs };
  }
  const run = connector.prepare(features);
  return { rows: run.rows, ...(run.grid === undefined ? {} : { grid: run.grid }), sizes: { ...sizes, ...run.sizes }, inputs: { ...inputs, ...run.inputs } };
}

async function prepareFeatures(encoder: FunctionEncoder<unknown>, input: unknown, definition: ModalityDefinition<unknown>, options: PrepareOptions): Promise<PreparedFeatures> {
  const encoded = await untilAborted(encoder.encode(input, options), options.signal, `Encoding of ${definition.name}`);
  if (typeof encoded !== "object" || encoded === null) throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: "{ features, rows }", received: encoded });
  const { features, rows, grid } = encoded;
  if (!(features instanceof Float32Array)) throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: "features as a Float32Array", received: features });
  if (!Number.isSafeInteger(rows) || features.length !== rows * encoder.width) {
    throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: `rows × ${encoder.width} features`, received: `${features.length} features for ${rows} rows` });
  }
  if (!allFinite(features)) throw new InvalidArgumentError({ argument: `${definition.name} encoder`, expected: "finite features", received: "NaN or infinity" });
  const used = definition.connector.prepare === undefined ? rows - (rows % definition.connector.stack) : rows;
  const kept: FeatureGrid = { rows: used, ...(used === rows && grid !== undefined ? { grid } : {}) };
  return { features: kept, sizes: { [FEATURES]: used }, inputs: { [FEATURES]: features.subarray(0, used * encoder.width) } };
}

/** A plain loop: a callback for every value would hold up the event loop for long features. */
function allFinite(values: Float32Array): boolean {
  for (let index = 0; index < values.length; index++) if (!Number.isFinite(values[index])) return false;
  return true;
}
