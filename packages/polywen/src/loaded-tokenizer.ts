import { readJsonObject, readTextFile, type GgufModel, type ModelFolder } from "@polywen/formats";
import { ChatTemplate, Tokenizer, type ChatTemplateFiles } from "@polywen/tokenizer";
import { PolywenError } from "@polywen/tensor";

/** The tokenizer of a folder, and its chat template if it has one. */
export interface LoadedTokenizer {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate | undefined;
}

/** Reads tokenizer and template files. A base model has no template; a broken one is an error. */
export async function loadTokenizer(folder: ModelFolder): Promise<LoadedTokenizer> {
  const { files } = folder;
  const json = async (path: string | undefined): Promise<unknown> => (path === undefined ? undefined : readJsonObject(path, "tokenizer"));
  const config = await json(files.tokenizerConfig);
  const source = files.tokenizer === undefined
    ? { vocabulary: await json(files.vocabulary), ...(files.merges === undefined ? {} : { merges: await readTextFile(files.merges, "tokenizer") }) }
    : { tokenizer: await json(files.tokenizer) };
  const tokenizer = Tokenizer.fromFiles({ ...source, config, folder: folder.path });
  return { tokenizer, template: await loadTemplate(folder, tokenizer, config) };
}

async function loadTemplate(folder: ModelFolder, tokenizer: Tokenizer, config: unknown): Promise<ChatTemplate | undefined> {
  const path = folder.files.chatTemplate;
  const own = path === undefined ? {} : path.endsWith(".jinja") ? { jinja: await readTextFile(path, "template") } : { json: await readJsonObject(path, "template") };
  return templateOf({ ...own, config: config ?? {}, folder: folder.path }, tokenizer);
}

/** Reads the tokenizer and the templates that the metadata of a GGUF file hold. */
export function loadGgufTokenizer(metadata: GgufModel["metadata"], file: string): LoadedTokenizer {
  const tokenizer = Tokenizer.fromGguf(metadata, file);
  return { tokenizer, template: templateOf({ metadata, folder: file }, tokenizer) };
}

/** A base model has no template. */
function templateOf(files: ChatTemplateFiles, tokenizer: Tokenizer): ChatTemplate | undefined {
  try {
    return ChatTemplate.fromFiles(files, tokenizer);
  } catch (error) {
    if (PolywenError.isInstance(error) && error.code === "TEMPLATE_MISSING") return undefined;
    throw error;
  }
}
