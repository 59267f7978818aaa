import { attentionCases } from "./attention-cases.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { expertCases } from "./expert-cases.ts";
import { modelCases } from "./model-cases.ts";
import { rowCases } from "./row-cases.ts";
import { sampleCases } from "./sample-cases.ts";

/** Every operation over odd, small, empty and large sizes, all storage dtypes, and small models; the same data on every machine. */
export const conformanceCases: readonly ConformanceCase[] = [...rowCases, ...attentionCases, ...expertCases, ...sampleCases, ...modelCases];

/** The cases whose rows must not feel how they are batched: see `runInvariance`. */
export const invarianceCases: readonly ConformanceCase[] = conformanceCases.filter(({ splittable }) => splittable);
