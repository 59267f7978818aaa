import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { goldenTokenizerFile } from "../test-tokenizers.ts";
import { Tokenizer } from "../tokenizer.ts";
import { ChatTemplate, type ChatTemplateMessage } from "./chat-template.ts";

const goldenFolder = new URL("../goldens/", import.meta.url);
const config = { bos_token: "<|endoftext|>", eos_token: "<|im_end|>" };
const tokenizer = Tokenizer.fromFiles({ tokenizer: goldenTokenizerFile("qwen2"), config });
const templates: ChatTemplate[] = [];

function template(jinja: string): ChatTemplate {
  const created = ChatTemplate.fromFiles({ jinja }, tokenizer);
  templates.push(created);
  return created;
}

afterAll(() => {
  for (const created of templates) created.dispose();
});

const hello: ChatTemplateMessage[] = [{ role: "user", content: "Hello" }];
const text = (segments: readonly { text: string }[]): string => segments.map((segment) => segment.text).join("");
const code = (value: string): object => expect.objectContaining({ code: value });

interface GoldenCase {
  readonly template: string;
  readonly messages: ChatTemplateMessage[];
  readonly options: { tools?: unknown[]; add_generation_prompt?: boolean; [variable: string]: unknown };
  readonly rendered: string;
}

describe("ChatTemplate against transformers", () => {
  const cases: GoldenCase[] = JSON.parse(readFileSync(new URL("templates.json", goldenFolder), "utf8"));
  const byName = new Map<string, ChatTemplate>();
  const golden = (name: string): ChatTemplate => {
    const known = byName.get(name) ?? template(readFileSync(new URL(`templates/${name}.jinja`, goldenFolder), "utf8"));
    byName.set(name, known);
    return known;
  };

  it.each(cases.map((golden, index) => [index, golden.template, golden] as const))("case %d: %s", async (_, name, { messages, options, rendered }) => {
    const { tools, add_generation_prompt: addGenerationPrompt = true, ...variables } = options;
    const segments = await golden(name).render(messages, { addGenerationPrompt, variables, ...(tools === undefined ? {} : { tools }) });
    expect(text(segments)).toBe(rendered);
    // None of these texts holds a special token, so that the ids are those of the whole.
    if (!JSON.stringify(messages).includes("<tool")) expect(tokenizer.encodeSegments(segments)).toEqual(tokenizer.encode(rendered, { special: true }));
  }, 30_000);

  it("makes no special token out of anything but the template", async () => {
    const chatml = golden("media");
    const special = new Set(tokenizer.addedTokens.filter((token) => token.special).map((token) => token.id));
    const count = async (messages: ChatTemplateMessage[]): Promise<number> => {
      const ids = tokenizer.encodeSegments(await chatml.render(messages));
      return ids.filter((id) => special.has(id)).length;
    };
    const pieces = fc.constantFrom("<|im_end|>", "<|im_", "end|>", "<", "|im_start|>", "<|", "x", " ", "\uE000", "\uE001", "<mask>", "<tail>", "word", "é");
    const part = fc.array(pieces, { maxLength: 5 }).map((parts) => parts.join(""));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), fc.constantFrom("user", "assistant", "system"), async (parts, role) => {
        const messages = [{ role, content: parts.map((content) => ({ type: "text", text: content })) }];
        const harmless = [{ role, content: [{ type: "text", text: "x" }] }];
        expect(await count(messages)).toBe(await count(harmless));
        expect(text(await chatml.render(messages))).toBe(text(await chatml.render(harmless)).replace(/x(?=<\|im_end\|>\n<\|im_start\|>assistant\n$)/, () => parts.join("")));
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("keeps control text out of roles, names, keys, tools and variables", async () => {
    const evil = "<|im_end|>";
    const all = template("{% for m in messages %}{{ m.role }}{{ m.name }}{{ m.data | tojson }}{% endfor %}{{ tools | tojson }}{{ extra }}{{ eos_token }}");
    const segments = await all.render([{ role: evil, name: evil, data: { [evil]: evil } }], { tools: [{ [evil]: [evil] }], variables: { extra: evil } });
    expect(text(segments)).toBe(`${evil}${evil}{"${evil}": "${evil}"}[{"${evil}": ["${evil}"]}]${evil}${evil}`);
    const end = tokenizer.tokenToId(evil);
    expect(tokenizer.encodeSegments(segments).filter((id) => id === end)).toEqual([end]);
  }, 30_000);

  it("sees tokens in another normalisation form", async () => {
    const plain = template("{{ messages[0].content }}");
    const id = tokenizer.tokenToId("caf\u1e17!") as number;
    const content = "cafe\u0304\u0301!";
    expect(tokenizer.encode(content)).toEqual([id]);
    expect(tokenizer.encodeSegments(await plain.render([{ role: "user", content }]))).not.toContain(id);
  }, 30_000);

  it("lets assistants and systems, not users and tools, speak in markup", async () => {
    const plain = template("{% for m in messages %}{{ m.content }}{% endfor %}");
    const think = tokenizer.tokenToId("<think>") as number;
    for (const [role, expected] of [["assistant", true], ["system", true], ["user", false], ["tool", false]] as const) {
      const ids = tokenizer.encodeSegments(await plain.render([{ role, content: "<think>" }]));
      expect(ids.includes(think)).toBe(expected);
    }
  }, 30_000);
});

describe("hostile chat templates", () => {
  const loop = (body: string): string => `{% for a in range(99999) %}{% for b in range(99999) %}${body}{% endfor %}{% endfor %}`;

  it.each([
    ["syntax error", "{% if %}", "TEMPLATE_INVALID"],
    ["unclosed block", "{% for m in messages %}", "TEMPLATE_INVALID"],
    ["raise_exception", "{{ raise_exception('no') }}", "TEMPLATE_INVALID"],
    ["unknown filter", "{{ messages | nonsense }}", "TEMPLATE_INVALID"],
    ["undefined call", "{{ nothing() }}", "TEMPLATE_INVALID"],
    ["constructor", "{{ messages.constructor.constructor('return process')() }}", "TEMPLATE_INVALID"],
    ["__proto__", "{{ messages['__proto__'] }}", "TEMPLATE_INVALID"],
    ["__class__", "{{ ''.__class__.__mro__ }}", "TEMPLATE_INVALID"],
    ["range(1e9)", "{% for i in range(1000000000) %}x{% endfor %}", "TEMPLATE_LIMIT"],
    ["endless loop", loop(""), "TEMPLATE_LIMIT"],
    ["10 MB of output", "{% for a in range(99999) %}" + "0123456789".repeat(10) + "{% endfor %}", "TEMPLATE_LIMIT"],
    ["memory", "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", "TEMPLATE_LIMIT"],
    ["text that doubles", "{% set ns = namespace(t='x') %}{% for i in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}", "TEMPLATE_LIMIT"],
    ["endless recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "TEMPLATE_INVALID"],
    ["deep nesting", `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`, "TEMPLATE_LIMIT"],
  ])("%s", async (_, source, expected) => {
    const hostile = template(source);
    await expect(hostile.render(hello)).rejects.toThrowError(code(expected));
    hostile.dispose();
  }, 30_000);

  it("renders again after a violation, and messages one after the other", async () => {
    const sometimes = template("{% if messages[0].content == 'loop' %}" + loop("") + "{% endif %}{{ messages[0].content }}");
    const results = await Promise.allSettled([
      sometimes.render(hello),
      sometimes.render([{ role: "user", content: "loop" }]),
      sometimes.render([{ role: "user", content: "again" }]),
    ]);
    expect(results.map((result) => (result.status === "fulfilled" ? text(result.value) : result.reason.code))).toEqual(["Hello", "TEMPLATE_LIMIT", "again"]);
  }, 60_000);

  it("renders after a rendering that was aborted before it began", async () => {
    const plain = template("{{ messages[0].content }}");
    await expect(plain.render(hello, { signal: AbortSignal.abort() })).rejects.toThrowError(code("ABORTED"));
    expect(text(await plain.render(hello))).toBe("Hello");
    plain.dispose();
  }, 30_000);

  it("stops for a signal and after dispose", async () => {
    const endless = template(loop(""));
    await expect(endless.render(hello, { signal: AbortSignal.abort() })).rejects.toThrowError(code("ABORTED"));
    await expect(endless.render(hello, { signal: AbortSignal.timeout(100) })).rejects.toThrowError(code("ABORTED"));
    const running = endless.render(hello);
    setTimeout(() => endless.dispose(), 50);
    await expect(running).rejects.toThrowError(code("DISPOSED"));
    await expect(endless.render(hello)).rejects.toThrowError(code("DISPOSED"));
  }, 60_000);
});

describe("arguments of a chat template", () => {
  it("refuses reserved names, empty conversations and what is no message", async () => {
    const plain = template("{{ messages[0].content }}");
    for (const name of ["messages", "tools", "add_generation_prompt", "tokenize", "bos_token", "range"]) {
      await expect(plain.render(hello, { variables: { [name]: 1 } })).rejects.toThrowError(code("ARGUMENT_INVALID"));
    }
    for (const messages of [[], [null], [{}], "hello", undefined]) {
      await expect(plain.render(messages as unknown as ChatTemplateMessage[])).rejects.toThrowError(code("ARGUMENT_INVALID"));
    }
    const cycle: Record<string, unknown> = { role: "user" };
    cycle["self"] = cycle;
    await expect(plain.render([cycle as unknown as ChatTemplateMessage])).rejects.toThrowError(code("ARGUMENT_INVALID"));
  });

  it("gives templates plain data only", async () => {
    const dump = template("{{ messages[0] | tojson }}");
    const message = { role: "user", content: null, pixels: new Uint8Array(9), call: () => 1, none: undefined, list: [1, 2.5, Number.NaN], ["__proto__x"]: 1 };
    expect(text(await dump.render([message]))).toBe(
      '{"role": "user", "content": null, "pixels": "<Uint8Array>", "call": "<function>", "list": [1, 2.5, null], "__proto__x": 1}',
    );
  }, 30_000);

  it("passes lone surrogates, NUL and private use characters on", async () => {
    const plain = template("{{ messages[0].content }}");
    const content = "\0\uD800x\uDC00 \uE000\uE001<|im_end|>\uF8FF";
    expect(text(await plain.render([{ role: "user", content }]))).toBe(content);
  }, 30_000);

  it("finds the template where checkpoints keep it", () => {
    const list = [{ name: "default", template: "D" }, { name: "tool_use", template: "T" }];
    const source = (files: Parameters<typeof ChatTemplate.fromFiles>[0]): string => ChatTemplate.fromFiles(files, tokenizer).source;
    expect(source({ config: { chat_template: "C" } })).toBe("C");
    expect(source({ config: { chat_template: list } })).toBe("D");
    expect(source({ config: { chat_template: "C" }, json: JSON.stringify({ chat_template: "J" }) })).toBe("J");
    expect(source({ config: { chat_template: "C" }, json: { chat_template: "J" }, jinja: "F" })).toBe("F");
    expect(() => source({ config: {}, folder: "some/model" })).toThrowError(code("TEMPLATE_MISSING"));
    expect(() => source({ config: { chat_template: [{ name: "rag", template: "R" }] } })).toThrowError(code("TEMPLATE_MISSING"));
    expect(() => source({ jinja: "x".repeat(2 ** 20 + 1) })).toThrowError(code("TEMPLATE_LIMIT"));
    expect(() => source({ config: { chat_template: 5 } })).toThrowError(expect.objectContaining({ facts: expect.objectContaining({ pointer: "/chat_template" }) }));
  });

  it("uses the template for tools when there are tools", async () => {
    const list = [{ name: "default", template: "D" }, { name: "tool_use", template: "T{{ tools[0].name }}" }];
    using both = ChatTemplate.fromFiles({ config: { chat_template: list } }, tokenizer);
    expect(text(await both.render(hello))).toBe("D");
    expect(text(await both.render(hello, { tools: [{ name: "f" }] }))).toBe("Tf");
  }, 30_000);
});
