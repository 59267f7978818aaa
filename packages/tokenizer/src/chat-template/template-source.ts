import { JsonNode } from "../json-node.ts";
import { ChatTemplateError } from "./chat-template-error.ts";
import { templateSourceLimit } from "./template-protocol.ts";

/** Contents of the files of a checkpoint that may hold a chat template; JSON as text or parsed. */
export interface ChatTemplateFiles {
  /** Text of `chat_template.jinja`; goes before all others. */
  readonly jinja?: string;
  /** `chat_template.json`; goes before `config`. */
  readonly json?: unknown;
  /** `tokenizer_config.json` */
  readonly config?: unknown;
  /** Key-value metadata of a GGUF file, which `folder` names; goes before all others. */
  readonly metadata?: ReadonlyMap<string, unknown>;
  /** Where the files come from, for error messages; default: the bare file names. */
  readonly folder?: string;
}

/** Templates by name, and the file that they come from. The usual one is called `default`, one for requests with tools `tool_use`. */
export interface TemplateSource {
  readonly file: string;
  readonly templates: ReadonlyMap<string, string>;
}

/** Finds the chat templates of a checkpoint. Throws ChatTemplateError if there is none, InvalidFileError for a file of another shape. */
export function readTemplateSource(files: ChatTemplateFiles): TemplateSource {
  const path = (name: string): string => [files.folder, name].filter(Boolean).join("/");
  const source =
    (files.metadata === undefined ? undefined : fromMetadata(files.metadata, path(""))) ??
    (files.jinja === undefined ? undefined : fromNode(new JsonNode(path("chat_template.jinja"), files.jinja))) ??
    (files.json === undefined ? undefined : fromNode(JsonNode.from(path("chat_template.json"), files.json).member("chat_template"))) ??
    (files.config === undefined ? undefined : fromNode(JsonNode.from(path("tokenizer_config.json"), files.config).member("chat_template")));
  if (source !== undefined) return source;
  throw new ChatTemplateError(
    "TEMPLATE_MISSING",
    { file: files.folder ?? "the checkpoint", problem: "has no chat template" },
    { hint: "A base model has none: give it a plain prompt, or pass a template of your own." },
  );
}

const metadataKey = "tokenizer.chat_template";

/** Templates beside the usual one have their name in the key. */
function fromMetadata(metadata: ReadonlyMap<string, unknown>, file: string): TemplateSource | undefined {
  const entries = [...metadata].filter(([key]) => key === metadataKey || key.startsWith(`${metadataKey}.`));
  if (entries.length === 0) return undefined;
  const node = new JsonNode(file, Object.fromEntries(entries));
  const nameOf = (key: string): string => (key === metadataKey ? "default" : key.slice(metadataKey.length + 1));
  return { file, templates: new Map(entries.map(([key]) => [nameOf(key), checkedSource(node.member(key))])) };
}

function fromNode(node: JsonNode): TemplateSource | undefined {
  if (node.isNull) return undefined;
  const templates = new Map(
    typeof node.value === "string"
      ? [["default", node]]
      : node.items().map((item) => [item.member("name").string(), item.member("template")] as const),
  );
  return { file: node.file, templates: new Map(Array.from(templates, ([name, template]) => [name, checkedSource(template)])) };
}

function checkedSource(node: JsonNode): string {
  const text = node.string();
  if (text.length <= templateSourceLimit) return text;
  const facts = { file: node.file, problem: `the template has ${text.length} characters`, limit: templateSourceLimit, unit: "characters" };
  throw new ChatTemplateError("TEMPLATE_LIMIT", facts);
}
