import { JsonNode } from "../json-node.ts";
import { vocabularyLimit } from "../parse-bpe-model.ts";

/** Key-value metadata of a GGUF file: texts, numbers, truth values, and arrays of them (typed arrays for numbers). */
export type GgufMetadata = ReadonlyMap<string, unknown>;

/** What `tokenizer.ggml.token_type` says about a token. */
export const tokenTypes = { undefined: 0, normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** The tokenizer of a GGUF file, checked: arrays are as long as `tokens`, ids are below that. */
export interface GgufTokenizerDescription {
  /** The node of all metadata under `tokenizer.`, for complaints. */
  readonly node: JsonNode;
  /** `gpt2` is BPE over bytes by merges, `llama` BPE over characters by scores. Others are described, but cannot be built. */
  readonly model: string;
  /** Names the rules that cut text into words. */
  readonly pre: string | undefined;
  /** Texts by id; unlike each other, but several may be empty. */
  readonly tokens: readonly string[];
  /** Ids by text, without the empty one. Whoever asked for the description may go on with it: copying it takes as long as making it. */
  readonly idOfToken: Map<string, number>;
  readonly types: ArrayLike<number>;
  readonly scores: ArrayLike<number> | undefined;
  readonly ids: GgufTokenIds;
  readonly addBos: boolean | undefined;
  readonly addEos: boolean | undefined;
  readonly addSpacePrefix: boolean | undefined;
  readonly removeExtraWhitespaces: boolean;
}

/** Ids that the file gives a role. */
export interface GgufTokenIds {
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly eot: number | undefined;
  readonly eom: number | undefined;
  readonly unknown: number | undefined;
  readonly padding: number | undefined;
  readonly fimPad: number | undefined;
  readonly fimRepository: number | undefined;
  readonly fimSeparator: number | undefined;
}

/** Reads the keys below `tokenizer.ggml.`. Throws InvalidFileError with the key, and the index in an array, as JSON pointer. */
export function describeGgufTokenizer(metadata: GgufMetadata, file: string): GgufTokenizerDescription {
  const node = new JsonNode(file, Object.fromEntries(Array.from(metadata).filter(([key]) => key.startsWith("tokenizer."))));
  const key = (name: string): JsonNode => node.member(`tokenizer.ggml.${name}`);
  const { tokens, idOfToken } = checkedTokens(key("tokens"));
  const id = (name: string): number | undefined => (key(`${name}_token_id`).isNull ? undefined : key(`${name}_token_id`).index(tokens.length));
  const flag = (name: string): boolean | undefined => (key(name).isNull ? undefined : key(name).boolean(false));
  return {
    node,
    model: key("model").string(),
    pre: key("pre").isNull ? undefined : key("pre").string(),
    tokens,
    idOfToken,
    types: checkedTypes(key("token_type"), tokens.length),
    scores: checkedScores(key("scores"), tokens.length),
    ids: {
      bos: id("bos"), eos: id("eos"), eot: id("eot"), eom: id("eom"), unknown: id("unknown"), padding: id("padding"),
      fimPad: id("fim_pad"), fimRepository: id("fim_rep"), fimSeparator: id("fim_sep"),
    },
    addBos: flag("add_bos_token"),
    addEos: flag("add_eos_token"),
    addSpacePrefix: flag("add_space_prefix"),
    removeExtraWhitespaces: flag("remove_extra_whitespaces") ?? false,
  };
}

function checkedTokens(node: JsonNode): Pick<GgufTokenizerDescription, "tokens" | "idOfToken"> {
  const tokens: unknown = node.value;
  if (!Array.isArray(tokens) || tokens.length === 0) return node.fail("expected an array of texts");
  if (tokens.length > vocabularyLimit) node.fail(`has ${tokens.length} entries; the limit is ${vocabularyLimit}`);
  const idOfToken = new Map<string, number>();
  let empty = 0;
  tokens.forEach((token: unknown, id) => {
    if (typeof token !== "string") return node.item(id).fail("expected a text");
    if (token === "") return void (empty += 1);
    idOfToken.set(token, id);
    if (idOfToken.size + empty <= id) node.item(id).fail(`the token ${JSON.stringify(token)} has the id ${tokens.indexOf(token)} already`);
  });
  return { tokens: tokens as string[], idOfToken };
}

function checkedTypes(node: JsonNode, count: number): ArrayLike<number> {
  if (node.isNull) return new Uint8Array(count).fill(tokenTypes.normal);
  const types = numbers(node, count);
  for (let id = 0; id < count; id += 1) {
    if (!Number.isInteger(types[id]) || (types[id] as number) < 0 || (types[id] as number) > 6) element(node, id, types).fail("expected a token type from 0 to 6");
  }
  return types;
}

function checkedScores(node: JsonNode, count: number): ArrayLike<number> | undefined {
  if (node.isNull) return undefined;
  const scores = numbers(node, count);
  for (let id = 0; id < count; id += 1) {
    if (typeof scores[id] !== "number" || Number.isNaN(scores[id])) element(node, id, scores).fail("expected a number");
  }
  return scores;
}

function numbers(node: JsonNode, count: number): ArrayLike<number> {
  const { value } = node;
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  if (!isList) node.fail("expected an array of numbers");
  const list = value as ArrayLike<number>;
  if (list.length !== count) node.fail(`has ${list.length} entries for ${count} tokens`);
  return list;
}

/** The place of an element, for typed arrays too. */
function element(node: JsonNode, index: number, list: ArrayLike<number>): JsonNode {
  return new JsonNode(node.file, list[index], node, String(index));
}
