import type { Extent, ProgramBuilder, TensorSpec } from "@polywen/tensor";
import { PAGE_ROWS, SAMPLE_PARAMETERS } from "@polywen/tensor";
import { declareCrossInputs, type CrossInputs } from "./cross-attention/cross-inputs.ts";
import { mediaRowsNames, stepNames, type StepLimits, type TextModel } from "./text-model.ts";

/** What a step reads of media. */
export interface StepMedia {
  /** What takes the place of embeddings: resource [slots, hidden size]. */
  readonly rows: TensorSpec;
  /** What is added after the first layers, the first layer first: resources [slots, hidden size]. */
  readonly deeper: readonly TensorSpec[];
  /** i32 [rows]: slots, -1 for none. */
  readonly index: TensorSpec;
}

/** The declared inputs of a step program, common to all families. */
export interface StepInputs {
  readonly ids: TensorSpec;
  readonly media: StepMedia | undefined;
  readonly positions: TensorSpec;
  readonly sequence: TensorSpec;
  readonly slots: TensorSpec;
  readonly spans: TensorSpec;
  readonly windowSpans: TensorSpec | undefined;
  readonly frequencies: TensorSpec;
  readonly pageSpans: TensorSpec;
  readonly pages: TensorSpec;
  readonly outputRows: TensorSpec;
  readonly outputs: Extent;
  /** By modality. */
  readonly cross: ReadonlyMap<string, CrossInputs>;
}

/** Declares dimensions and inputs of a step. */
export function declareStepInputs(
  builder: ProgramBuilder,
  model: Pick<TextModel, "hiddenSize" | "positionAxes" | "mediaLevels" | "window" | "frequencies">,
  limits: StepLimits,
): StepInputs {
  const rows = builder.dimension("rows", limits.rows);
  const sequences = builder.dimension("sequences", limits.sequences);
  const outputs = builder.dimension("outputs", limits.outputs);
  const pages = builder.dimension("pages", limits.pages);
  const integers = (name: string, ...shape: Extent[]): TensorSpec => builder.input(name, "i32", shape);
  return {
    ids: integers(stepNames.ids, rows),
    media: limits.mediaSlots === 0 ? undefined : declareMedia(builder, model, limits, integers(stepNames.mediaIndex, rows)),
    positions: integers(stepNames.positions, rows, model.positionAxes),
    sequence: integers(stepNames.sequence, rows),
    slots: integers(stepNames.slots, rows),
    spans: integers(stepNames.spans, rows, 2),
    windowSpans: model.window === undefined ? undefined : integers(stepNames.windowSpans, rows, 2),
    frequencies: builder.input(stepNames.frequencies, "f32", [sequences, model.frequencies]),
    pageSpans: integers(stepNames.pageSpans, sequences, 2),
    pages: integers(stepNames.pages, pages),
    outputRows: integers(stepNames.outputRows, outputs, 1),
    outputs,
    cross: new Map(limits.cross.map((cross) => [cross.modality, declareCrossInputs(builder, cross, { rows, rowCapacity: limits.rows, sequences })])),
  };
}

function declareMedia(builder: ProgramBuilder, model: Pick<TextModel, "hiddenSize" | "mediaLevels">, limits: StepLimits, index: TensorSpec): StepMedia {
  const [rows, ...deeper] = mediaRowsNames(model.mediaLevels).map((name) => builder.resource(name, "f32", [limits.mediaSlots, model.hiddenSize]));
  return { rows: rows!, deeper, index };
}

/** Ends a step: names what the last norm gave and the logits, computed from it by the head, and samples from them. */
export function appendHead(builder: ProgramBuilder, normed: TensorSpec, head: TensorSpec, inputs: StepInputs, limits: StepLimits): void {
  const history = builder.dimension("history", limits.pages * PAGE_ROWS);
  const hidden = builder.output(stepNames.hidden, normed);
  const sample = builder.sample({
    logits: builder.output(stepNames.logits, builder.linear(hidden, head)),
    parameters: builder.input(stepNames.parameters, "f32", [inputs.outputs, SAMPLE_PARAMETERS.length]),
    seeds: builder.input(stepNames.seeds, "u32", [inputs.outputs, 4]),
    historySpans: builder.input(stepNames.historySpans, "i32", [inputs.outputs, 2]),
    history: builder.input(stepNames.history, "i32", [history]),
  });
  builder.output(stepNames.token, sample.token);
  builder.output(stepNames.logprob, sample.logprob);
  builder.output(stepNames.topTokens, sample.topTokens);
  builder.output(stepNames.topLogprobs, sample.topLogprobs);
}
