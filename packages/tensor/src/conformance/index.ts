export { CaseDraft } from "./case-draft.ts";
export { conformanceCase, type CaseRun, type ConformanceCase, type PreparedCase } from "./conformance-case.ts";
export { conformanceCases, invarianceCases } from "./conformance-cases.ts";
export { encodeFloats } from "./encode-floats.ts";
export { runCase, type CaseOutputs } from "./run-case.ts";
export { runConformance, type ConformanceResult } from "./run-conformance.ts";
export { runInvariance } from "./run-invariance.ts";
export { SeededRandom } from "./seeded-random.ts";
