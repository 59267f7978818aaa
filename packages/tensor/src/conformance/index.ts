export { CaseDraft } from "./case-draft.ts";
export { conformanceCase, type ConformanceCase } from "./conformance-case.ts";
export { conformanceCases, invarianceCases } from "./conformance-cases.ts";
export { encodeFloats } from "./encode-floats.ts";
export type { CaseRun, PreparedCase } from "./prepared-case.ts";
export { runCase, type CaseOutputs } from "./run-case.ts";
export { runConformance, type ConformanceResult } from "./run-conformance.ts";
export { runInvariance } from "./run-invariance.ts";
export { SeededRandom } from "./seeded-random.ts";
