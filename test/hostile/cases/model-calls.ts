import { readdir, writeFile } from "node:fs/promises";
import { image, loadModel, type ContentPart, type GenerateOptions, type Model, type Prompt } from "polywen";
import { writeBaseModel } from "../base-model.ts";
import { result, type Attempt, type AttemptResult, type HostileCase, type Outcome, type Workspace } from "../hostile-case.ts";

/** A case of a model folder: the base model with `change` applied, then loaded. */
export function folderCase(id: string, input: string, change: (workspace: Workspace) => Promise<unknown>, outcome: Outcome): HostileCase {
  return {
    id,
    input,
    write: async (workspace) => {
      await writeBaseModel(workspace);
      await change(workspace);
    },
    attempts: (workspace) => [() => loadAndDispose(workspace.folder)],
    outcome,
  };
}

/** Loads a model for a few short prompts, on the fastest backend there is. */
export function openModel(folder: string): Promise<Model> {
  return loadModel(folder, { backend: "auto" });
}

/** A model that has answered once, so that the process of its chat template has started. */
export async function openWarm(folder: string): Promise<Model> {
  const model = await openModel(folder);
  await ask(model, { prompt: "start" });
  return model;
}

/** Loads a folder; what is shown are the warnings. */
export async function loadAndDispose(folder: string): Promise<AttemptResult> {
  const model = await openModel(folder);
  const { warnings } = model.info;
  await model.dispose();
  return { warnings };
}

/** A prompt with its options. */
export interface Question {
  readonly prompt: Prompt;
  readonly options?: GenerateOptions;
}

/** A case of prompts to the base model. All of them must end the same way. */
export function promptCase(id: string, input: string, questions: () => readonly Question[], outcome: Outcome): HostileCase {
  return {
    id,
    input,
    write: writeBaseModel,
    // What is wrong with an argument is said before the template is rendered.
    model: ({ folder }) => (outcome.kind === "error" && outcome.code === "ARGUMENT_INVALID" ? openModel(folder) : openWarm(folder)),
    attempts: (_, model) => questions().map((question) => () => ask(model, question)),
    outcome,
  };
}

/** Asks for one token. */
export async function ask(model: Model, { prompt, options }: Question): Promise<AttemptResult> {
  const { usage, promptTokenIds } = await model.generate(prompt, { maxTokens: 1, temperature: 0, ...options });
  return { facts: { ...usage, specialTokens: promptTokenIds.filter((id) => id >= 256).length } };
}

/** Asks for one token about a medium, without the template and its process. */
export function askAbout(model: Model, ...media: readonly ContentPart[]): Promise<AttemptResult> {
  return ask(model, { prompt: [...media, "What is this?"], options: { raw: true } });
}

/** A case of media files, asked of the embedded model. All of them must end the same way. */
export function mediumCase(
  id: string,
  input: string,
  files: () => Promise<Readonly<Record<string, Uint8Array>>>,
  outcome: Outcome = result("answered"),
  medium: (path: string) => ContentPart = image,
): HostileCase {
  return {
    id,
    input,
    write: async (workspace) => {
      for (const [name, bytes] of Object.entries(await files())) await writeFile(workspace.path(name), bytes);
    },
    model: () => openModel("polywen/tiny"),
    attempts: async (workspace, model) => {
      const names = await readdir(workspace.folder);
      return names.map((name): Attempt => () => askAbout(model, medium(workspace.path(name))));
    },
    outcome,
  };
}
