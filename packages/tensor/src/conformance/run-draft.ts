import { CaseDraft } from "./case-draft.ts";
import { runCase, type CaseOutputs } from "./run-case.ts";
import type { TensorSpec } from "../program.ts";
import { createReferenceBackend } from "../reference/reference-backend.ts";

/** Runs a drafted program on the reference backend and returns the outputs of its last run. */
export async function runDraft(write: (draft: CaseDraft) => void): Promise<CaseOutputs> {
  const draft = new CaseDraft("test");
  write(draft);
  return (await runCase(createReferenceBackend(), draft.finish())).at(-1)!;
}

/** The one output of a drafted program as plain numbers. */
export async function outputOf(write: (draft: CaseDraft) => TensorSpec): Promise<number[]> {
  const outputs = await runDraft((draft) => void draft.builder.output("output", write(draft)));
  return [...outputs.get("output")!];
}
