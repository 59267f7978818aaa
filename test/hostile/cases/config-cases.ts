import { rm, truncate, writeFile } from "node:fs/promises";
import { baseConfig, baseTemplate, baseTokenizer, writeBaseModel, writeJson } from "../base-model.ts";
import { failure, type HostileCase, type Outcome, type Workspace } from "../hostile-case.ts";
import { ask, folderCase, openModel, openWarm } from "./model-calls.ts";

function config(id: string, input: string, fields: Record<string, unknown>, outcome: Outcome): HostileCase {
  return folderCase(id, input, (workspace) => writeJson(workspace, "config.json", { ...baseConfig, ...fields }), outcome);
}

function tokenizer(id: string, input: string, fields: Record<string, unknown>, outcome: Outcome): HostileCase {
  return folderCase(id, input, (workspace) => writeJson(workspace, "tokenizer.json", { ...baseTokenizer, ...fields }), outcome);
}

function invalid(file: string, pointer: string): Outcome {
  return failure("FILE_INVALID", { file, place: { pointer } });
}

const architectureCases: readonly HostileCase[] = [
  folderCase("46a", "no config.json", (workspace) => rm(workspace.path("config.json")), failure("NOT_FOUND", { says: "config.json" })),
  folderCase("46b", "an empty config.json", (workspace) => writeFile(workspace.path("config.json"), ""), failure("FILE_INVALID", { file: "config.json", place: { offset: 0 } })),
  folderCase("46c", "config.json is not JSON", (workspace) => writeFile(workspace.path("config.json"), "model_type: qwen2"), failure("FILE_INVALID", { file: "config.json", place: { offset: 0 } })),
  config("46d", "an unknown `model_type`", { model_type: "qwen22" }, failure("UNSUPPORTED", { file: "config.json", says: "qwen2_5_omni_thinker" })),
  config("46e", "no `model_type`", { model_type: undefined }, invalid("config.json", "/model_type")),
  folderCase("46f", "a thinker without `text_config`", (workspace) => writeJson(workspace, "config.json", { model_type: "qwen2_5_omni_thinker" }), invalid("config.json", "/text_config")),
  config("47a", "a hidden size of 10^9", { hidden_size: 1e9 }, invalid("config.json", "/hidden_size")),
  config("47b", "the largest sizes that are allowed one by one", { hidden_size: 2 ** 17, num_hidden_layers: 1024, intermediate_size: 2 ** 19, num_attention_heads: 4096, num_key_value_heads: 4096 },
    invalid("model.safetensors", "/model.embed_tokens.weight/shape")),
  config("47c", "no attention heads", { num_attention_heads: 0 }, invalid("config.json", "/num_attention_heads")),
  config("47d", "heads that do not share the hidden size", { num_attention_heads: 3, num_key_value_heads: 3 }, invalid("config.json", "/num_attention_heads")),
  config("47e", "a million layers", { num_hidden_layers: 1_000_000 }, invalid("config.json", "/num_hidden_layers")),
  config("47f", "a negative rotary base", { rope_theta: -1 }, invalid("config.json", "/rope_theta")),
  config("48", "Python code of the checkpoint's own (`auto_map`)", { auto_map: { AutoModelForCausalLM: "modeling.Model" } }, { kind: "warning", says: "never executes code" }),
];

const tokenizerCases: readonly HostileCase[] = [
  folderCase("49a", "a tokenizer.json of 500 MB", (workspace) => truncate(workspace.path("tokenizer.json"), 500_000_000), failure("LIMIT_EXCEEDED", { file: "tokenizer.json" })),
  tokenizer("49b", "a normalizer of 20 sequences within each other", { normalizer: nestedSequence(20) }, invalid("tokenizer.json", `/normalizer${"/normalizers/0".repeat(8)}`)),
  tokenizer("49c", "a word pattern that takes exponential time", { pre_tokenizer: { type: "Sequence", pretokenizers: [
    { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated", invert: false },
    { type: "ByteLevel", add_prefix_space: false, use_regex: false },
  ] } }, failure("UNSUPPORTED", { says: "(a+)+$" })),
  tokenizer("49d", "a merge of an unknown token", { model: { ...baseTokenizer.model, merges: ["a nonsense"] } }, invalid("tokenizer.json", "/model/merges/0")),
  tokenizer("50a", "an added token without content", added(256, ""), invalid("tokenizer.json", "/added_tokens/0/content")),
  tokenizer("50b", "an added token beyond the ids of the model", added(1000, "<far>"), invalid("config.json", "/vocab_size")),
  tokenizer("50c", "an added token with the id 10^12", added(1e12, "<far>"), invalid("tokenizer.json", "/added_tokens/0/id")),
];

function added(id: number, content: string): Record<string, unknown> {
  return { added_tokens: [{ id, content, special: true }] };
}

function nestedSequence(depth: number): unknown {
  return depth === 0 ? { type: "NFC" } : { type: "Sequence", normalizers: [nestedSequence(depth - 1)] };
}

/** A template that is refused before it runs: the first prompt, which starts its process, fails like the next. */
function brokenTemplate(id: string, input: string, source: string): HostileCase {
  return {
    ...template(id, input, "", failure("TEMPLATE_INVALID", { file: "tokenizer_config.json" })),
    write: async (workspace) => {
      await writeBaseModel(workspace);
      await useTemplate(workspace, source);
    },
    model: async (workspace) => {
      const model = await openModel(workspace.folder);
      await ask(model, { prompt: "start" }).catch(() => undefined);
      return model;
    },
  };
}

function withoutTemplate(id: string, input: string): HostileCase {
  return {
    ...brokenTemplate(id, input, ""),
    write: async (workspace) => {
      await writeBaseModel(workspace);
      await useTemplate(workspace, undefined);
    },
    outcome: failure("TEMPLATE_MISSING", { says: "raw: true" }),
  };
}

/** A template that is harmless for the first prompt, which starts its process, and does `source` for the next. */
function template(id: string, input: string, source: string, outcome: Outcome): HostileCase {
  return {
    id,
    input,
    write: async (workspace) => {
      await writeBaseModel(workspace);
      await useTemplate(workspace, `{% if messages[0]['content'] == 'start' %}ok{% else %}${source}{% endif %}`);
    },
    model: (workspace) => openWarm(workspace.folder),
    attempts: (_, model) => [() => ask(model, { prompt: "Hello" })],
    outcome,
  };
}

function useTemplate(workspace: Workspace, source: string | undefined): Promise<void> {
  return writeJson(workspace, "tokenizer_config.json", source === undefined ? {} : { chat_template: source });
}

const loop = "{% for a in range(100000) %}";

const templateCases: readonly HostileCase[] = [
  brokenTemplate("51a", "a template with a syntax error", "{% for %}"),
  template("51b", "a template that never ends", `${loop}${loop}${loop}{% endfor %}{% endfor %}{% endfor %}`, failure("TEMPLATE_LIMIT", { file: "tokenizer_config.json" })),
  template("51c", "`range(10 ** 9)` in a template", "{% for a in range(1000000000) %}x{% endfor %}", failure("TEMPLATE_LIMIT", { file: "tokenizer_config.json" })),
  template("51d", "a template that writes 10 MB", `${loop}${"x".repeat(100)}{% endfor %}`, failure("TEMPLATE_LIMIT", { file: "tokenizer_config.json" })),
  brokenTemplate("51e", "a template that reaches for `constructor`", "{{ messages.constructor.constructor('return process')() }}"),
  brokenTemplate("51f", "a template that reaches for `__proto__`", "{{ messages.__proto__.x }}"),
  template("51g", "a template that refuses the messages", "{{ raise_exception('no') }}", failure("TEMPLATE_INVALID", { file: "tokenizer_config.json", says: "no" })),
  withoutTemplate("52", "no template"),
  variables("53", "template variables with reserved names", ["tokenize", "chat_template", "messages", "bos_token"]),
];

/** The facade passes no variables on; `ChatTemplate` is where they would enter. */
function variables(id: string, input: string, names: readonly string[]): HostileCase {
  return {
    id,
    input,
    attempts: async () => {
      const { ChatTemplate, Tokenizer } = await import("@polywen/tokenizer");
      const chatTemplate = ChatTemplate.fromFiles({ config: { chat_template: baseTemplate } }, Tokenizer.fromFiles({ tokenizer: baseTokenizer }));
      return names.map((name) => async () => {
        await chatTemplate.render([{ role: "user", content: "Hello" }], { variables: { [name]: true } });
        return {};
      });
    },
    outcome: failure("ARGUMENT_INVALID", { says: "not reserved" }),
  };
}

/** What comes with the weights: configuration, tokenizer and chat template. */
export const configCases: readonly HostileCase[] = [...architectureCases, ...tokenizerCases, ...templateCases];
