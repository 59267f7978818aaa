import { InvalidArgumentError } from "@polywen/tensor";
import { AddedTokenMatcher } from "../added-token-matcher.ts";
import { normalize } from "../normalize.ts";
import type { Tokenizer, TextSegment } from "../tokenizer.ts";
import { ChatTemplateError } from "./chat-template-error.ts";
import { toPlainData } from "./plain-data.ts";
import { TemplateProcess } from "./template-process.ts";
import { templateOutputLimit } from "./template-protocol.ts";
import { type ChatTemplateFiles, readTemplateSource, type TemplateSource } from "./template-source.ts";
import { TextGuard } from "./text-guard.ts";

/** One turn of a conversation, as templates know it. Media are parts of the content such as `{ type: "image" }`. */
export interface ChatTemplateMessage {
  readonly role: string;
  readonly content?: string | null | readonly { readonly type: string; readonly [field: string]: unknown }[];
  /** `tool_calls`, `reasoning_content`, `name`, … */
  readonly [field: string]: unknown;
}

/** What a template may be given beside the messages. */
export interface RenderOptions {
  /** JSON schemas of tools. */
  readonly tools?: readonly unknown[];
  /** Begin the assistant's turn. Default true. */
  readonly addGenerationPrompt?: boolean;
  /** Further variables of the template, such as `enable_thinking`. Names that have a meaning already are refused. */
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

const reservedNames: ReadonlySet<string> = new Set(
  [
    "messages tools add_generation_prompt continue_final_message chat_template tokenize",
    "bos_token eos_token pad_token unk_token",
    "true True false False none None range namespace raise_exception strftime_now loop self caller",
  ].flatMap((names) => names.split(" ")),
);

/** Their text comes from the model or from whoever runs it, and speaks in markup such as `<think>`: only special tokens are kept out. */
const markupRoles: ReadonlySet<string> = new Set(["assistant", "system", "developer"]);

const reasoningFields: readonly string[] = ["reasoning_content", "thinking", "reasoning"];

/**
 * The chat template of a checkpoint. It is a program that came with the model: it runs in a child process that is limited in time,
 * memory and output, starts with the first rendering and ends with `dispose()`.
 */
export class ChatTemplate {
  readonly #source: TemplateSource;
  readonly #tokenizer: Tokenizer;
  readonly #process: TemplateProcess;
  readonly #special: AddedTokenMatcher;
  readonly #markup: AddedTokenMatcher;
  readonly #normalized: AddedTokenMatcher;

  private constructor(source: TemplateSource, tokenizer: Tokenizer) {
    this.#source = source;
    this.#tokenizer = tokenizer;
    this.#process = new TemplateProcess(source.file);
    const matcher = (tokens: Tokenizer["addedTokens"]): AddedTokenMatcher =>
      new AddedTokenMatcher(tokens, (token) => (token.normalized ? normalize(token.content, tokenizer.normalization) : token.content));
    this.#special = matcher(tokenizer.addedTokens.filter((token) => token.special));
    this.#normalized = matcher(tokenizer.addedTokens.filter((token) => token.normalized));
    // Added tokens of white space alone (GPT-NeoX) are ordinary vocabulary.
    this.#markup = matcher(tokenizer.addedTokens.filter((token) => token.special || /\S/.test(token.content)));
  }

  /**
   * Takes the template from `chat_template.jinja`, `chat_template.json` or `tokenizer_config.json`, in this order.
   * Throws ChatTemplateError (`TEMPLATE_MISSING`, or `TEMPLATE_LIMIT` for a source that is too long) or InvalidFileError.
   */
  static fromFiles(files: ChatTemplateFiles, tokenizer: Tokenizer): ChatTemplate {
    return new ChatTemplate(readTemplateSource(files), tokenizer);
  }

  /** The template for requests without tools, or the only one. */
  get source(): string {
    return this.#select(false);
  }

  /**
   * Renders a conversation into segments for `Tokenizer.encodeSegments`: text in messages, tools and variables never becomes control
   * tokens. In the messages of users and tools not even markup such as `<tool_call>` counts as tokens.
   *
   * Rejects with ChatTemplateError (`TEMPLATE_INVALID`: a syntax error, a failing expression, or the template refuses the messages;
   * `TEMPLATE_LIMIT`: 1 s, 128 MiB, 2 Mi characters), InvalidArgumentError, AbortedError or DisposedError.
   */
  async render(messages: readonly ChatTemplateMessage[], options: RenderOptions = {}): Promise<TextSegment[]> {
    checkMessages(messages);
    const { tools, addGenerationPrompt = true, variables = {} } = options;
    for (const name of Object.keys(variables)) {
      if (reservedNames.has(name)) throw new InvalidArgumentError({ argument: "variables", expected: "names that are not reserved", received: name });
    }
    const template = this.#select(tools !== undefined && tools.length > 0);
    const text = JSON.stringify(toPlainData([messages, tools ?? [], variables], (part) => part, "messages"));
    const guard = new TextGuard(text + template);
    const plain = (value: unknown, matcher: AddedTokenMatcher, argument: string): unknown =>
      toPlainData(value, (part) => guard.protect(this.#revealTokens(part), matcher), argument);
    const output = await this.#process.render(
      {
        template,
        outputLimit: templateOutputLimit + text.length,
        variables: {
          ...(plain(variables, this.#markup, "variables") as object),
          ...this.#roleTokens(),
          messages: messages.map((message) =>
            withReasoning(plain(message, markupRoles.has(message.role) ? this.#special : this.#markup, "messages") as Record<string, unknown>),
          ),
          tools: tools === undefined ? null : plain(tools, this.#markup, "tools"),
          add_generation_prompt: addGenerationPrompt,
        },
      },
      options.signal,
    );
    return guard.restore(output);
  }

  /** Ends the child process. Renderings that are under way reject with DisposedError. */
  dispose(): void {
    this.#process.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #select(withTools: boolean): string {
    const { templates, file } = this.#source;
    const template = (withTools ? templates.get("tool_use") : undefined) ?? templates.get("default");
    if (template !== undefined) return template;
    const names = [...templates.keys()].join(", ") || "none";
    throw new ChatTemplateError("TEMPLATE_MISSING", { file, problem: `has no chat template called "default"; there is: ${names}` });
  }

  /** A token that is looked for in normalised text could hide from the guard in another spelling: then the text is normalised here. */
  #revealTokens(text: string): string {
    if (this.#normalized.isEmpty) return text;
    const normalized = normalize(text, this.#tokenizer.normalization);
    return this.#normalized.starts(normalized).next().done === true ? text : normalized;
  }

  #roleTokens(): Record<string, string> {
    const { beginOfSequence, endOfSequence, padding, unknown } = this.#tokenizer.specialTokens;
    const tokens = { bos_token: beginOfSequence, eos_token: endOfSequence, pad_token: padding, unk_token: unknown };
    return Object.fromEntries(Object.entries(tokens).filter((entry): entry is [string, string] => entry[1] !== undefined));
  }
}

function checkMessages(messages: readonly ChatTemplateMessage[]): void {
  const valid = (message: unknown): boolean => typeof message === "object" && message !== null && typeof (message as ChatTemplateMessage).role === "string";
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(valid)) {
    throw new InvalidArgumentError({ argument: "messages", expected: "at least one message with a role", received: messages });
  }
}

/** The reasoning of a turn goes by three names; transformers fills in `reasoning_content` and `thinking`, and so do we. */
function withReasoning(message: Record<string, unknown>): Record<string, unknown> {
  const reasoning = reasoningFields.map((field) => message[field]).find((value) => value !== undefined && value !== null);
  return reasoning === undefined ? message : { thinking: reasoning, ...message, reasoning_content: reasoning };
}
