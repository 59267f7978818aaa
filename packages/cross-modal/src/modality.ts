import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidArgumentError, type WeightData } from "@polywen/tensor";
import type { Connector } from "./connectors/connector.ts";
import type { Encoder } from "./encoder.ts";
import type { Injection } from "./injection/injection.ts";

/** How much of a modality one prompt may hold. */
export interface ModalityLimits {
  /** Media in one prompt. Default 16. */
  readonly maxItems?: number;
  /** Rows of one medium. Default 16384. */
  readonly maxRows?: number;
  /** Rows of features of one medium, of which the connector may make fewer. Default 65536. */
  readonly maxFeatures?: number;
}

/** What makes a modality: Encoder → Connector → Injection. */
export interface ModalityDefinition<Input> {
  /** Lower-case name, unique in a model: `image`, `audio`, `ecg`. */
  readonly name: string;
  /** Checks what users pass in; any Standard Schema. Absent: the encoder checks. */
  readonly input?: StandardSchemaV1<unknown, Input>;
  readonly limits?: ModalityLimits;
  /** Turns an input into features. */
  readonly encoder: Encoder<Input>;
  /** Turns features into rows of the text model's width. */
  readonly connector: Connector;
  /** Default `prefix()`. */
  readonly injection?: Injection;
}

/** One medium in a prompt. */
export interface MediaPart {
  readonly type: "medium";
  /** Name of its modality. */
  readonly modality: string;
  readonly input: unknown;
  /** A medium that runs at the same time, the sound of a video for instance; for models that know what to do with the two together. */
  readonly beside?: MediaPart | undefined;
}

/** Weights of encoder, connector and blocks: a folder that `saveModality` wrote, another folder or file of safetensors, or tensors by name. */
export type ModalityWeights = string | ReadonlyMap<string, WeightData>;

/** A modality with the weights it runs with: what `loadModel` takes. */
export interface BoundModality {
  readonly definition: ModalityDefinition<unknown>;
  readonly weights: ModalityWeights;
}

/** A defined modality. Call it to make a content part: `ecg({ hz: 250, leads })`. */
export interface Modality<Input> {
  (input: Input): MediaPart;
  readonly definition: ModalityDefinition<Input>;
  /** The modality with weights; names are those that encoder and connector ask for. */
  withWeights(weights: ModalityWeights): BoundModality;
}

/** Defines a modality. Throws `InvalidArgumentError` for a bad name. */
export function defineModality<Input>(definition: ModalityDefinition<Input>): Modality<Input> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(definition.name)) {
    throw new InvalidArgumentError({ argument: "name", expected: "a lower-case name of at most 32 letters, digits and hyphens", received: definition.name });
  }
  const part = (input: Input): MediaPart => ({ type: "medium", modality: definition.name, input });
  const withWeights = (weights: ModalityWeights): BoundModality => ({ definition: definition as ModalityDefinition<unknown>, weights });
  return Object.assign(part, { definition, withWeights });
}

/** Runs the definition's schema over an input. Throws `InvalidArgumentError` with the first issue. */
export async function checkInput<Input>(definition: ModalityDefinition<Input>, input: unknown): Promise<Input> {
  if (definition.input === undefined) return input as Input;
  const result = await definition.input["~standard"].validate(input);
  if (result.issues === undefined) return result.value;
  const [issue] = result.issues;
  const path = (issue?.path ?? []).map((step) => (typeof step === "object" ? step.key : step));
  const received = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);
  throw new InvalidArgumentError({ argument: [definition.name, ...path.map(String)].join("."), expected: `what its schema accepts (${issue?.message ?? "a valid input"})`, received });
}
