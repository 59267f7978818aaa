import type { TextList } from "@polywen/tensor";
import { JsonNode } from "../json-node.ts";
import { Vocabulary } from "../vocabulary.ts";
import { textListOf } from "./text-lists.ts";

/** Key-value metadata of a GGUF file: texts, numbers, truth values, and arrays of them (typed arrays for numbers, `TextList` or arrays for texts). */
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
  readonly tokens: TextList;
  /** The same tokens. Whoever asked for the description may go on with it and take tokens out. */
  readonly vocabulary: Vocabulary;
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
  const vocabulary = checkedTokens(key("tokens"));
  const tokens = vocabulary.texts;
  const id = (name: string): number | undefined => (key(`${name}_token_id`).isNull ? undefined : key(`${name}_token_id`).index(tokens.length));
  const flag = (name: string): boolean | undefined => (key(name).isNull ? undefined : key(name).boolean(false));
  return {
    node,
    model: key("model").string(),
    pre: key("pre").isNull ? undefined : key("pre").string(),
    tokens,
    vocabulary,
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

/** Ids and texts of the tokens of some types: they are few, and only they are decoded. */
export function* tokensOfType({ tokens, types }: Pick<GgufTokenizerDescription, "tokens" | "types">, ...wanted: readonly number[]): Generator<[id: number, text: string]> {
  const isWanted = Uint8Array.from({ length: 256 }, (_, type) => Number(wanted.includes(type)));
  for (let id = 0; id < tokens.length; id += 1) if (isWanted[types[id] as number] === 1) yield [id, tokens.at(id) as string];
}

function checkedTokens(node: JsonNode): Vocabulary {
  const tokens = textListOf(node);
  if (tokens.length === 0) node.fail("expected an array of texts");
  return new Vocabulary(tokens, (id, earlier) => node.item(id).fail(`the token ${JSON.stringify(tokens.at(id))} has the id ${earlier} already`));
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
