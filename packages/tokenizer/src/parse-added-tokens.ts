import type { JsonNode } from "./json-node.ts";
import type { AddedToken, SpecialTokens } from "./tokenizer-definition.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Longest added token in UTF-16 units: looking for tokens takes at most this many steps a character. */
const contentLimit = 256;

/** Most characters of all added tokens together, because the index over them takes a node for each. Gemma's have 80,000. */
const totalLimit: number = 2 ** 20;

const loneSurrogate: RegExp = /\p{Surrogate}/u;

/** The added tokens of `tokenizer.json` and those that only `tokenizer_config.json` (`added_tokens_decoder`) has. */
export function parseAddedTokens(
  list: JsonNode,
  byId: JsonNode | undefined,
  vocabulary: Vocabulary,
  idLimit: number,
): AddedToken[] {
  const addedOfId = new Map<number, string>();
  const byContent = new Map<string, AddedToken>();
  const add = (node: JsonNode, idNode: JsonNode, id: number): void => {
    const token = parseAddedToken(node, id);
    const knownId = byContent.get(token.content)?.id ?? vocabulary.get(token.content);
    if (knownId !== undefined && knownId !== id) idNode.fail(`${JSON.stringify(token.content)} has the id ${knownId} already`);
    const knownContent = addedOfId.get(id) ?? vocabulary.textOf(id);
    if (knownContent !== undefined && knownContent !== token.content) idNode.fail(`the id ${id} belongs to ${JSON.stringify(knownContent)}`);
    addedOfId.set(id, token.content);
    if (!byContent.has(token.content)) byContent.set(token.content, token);
  };
  if (!list.isNull) {
    for (const node of list.items()) {
      const idNode = node.member("id");
      add(node, idNode, idNode.index(idLimit));
    }
  }
  if (byId !== undefined && !byId.isNull) {
    for (const [key, node] of byId.members()) {
      const id = /^\d{1,7}$/.test(key) ? Number(key) : idLimit;
      if (id >= idLimit) node.fail(`expected an id from 0 to ${idLimit - 1} as the key`);
      add(node, node, id);
    }
  }
  const tokens = [...byContent.values()].sort((left, right) => left.id - right.id);
  checkAddedTokens(tokens, () => list);
  return tokens;
}

/** Throws InvalidFileError, at the place of an id, for a token that is too long, and if all together are. */
export function checkAddedTokens(tokens: readonly AddedToken[], nodeOf: (id: number) => JsonNode): void {
  let total = 0;
  for (const { content, id } of tokens) {
    total += content.length;
    if (content.length > contentLimit) nodeOf(id).fail(`has ${content.length} characters; the limit for an added token is ${contentLimit}`);
    if (total > totalLimit) nodeOf(id).fail(`the added tokens have more than ${totalLimit} characters together`);
  }
}

function parseAddedToken(node: JsonNode, id: number): AddedToken {
  const contentNode = node.member("content");
  const content = contentNode.string();
  if (content === "") contentNode.fail("an added token must not be empty");
  if (content.length > contentLimit) contentNode.fail(`has ${content.length} characters; the limit is ${contentLimit}`);
  if (loneSurrogate.test(content)) contentNode.fail("holds half a surrogate pair");
  const special = node.member("special").boolean(false);
  return {
    id,
    content,
    special,
    lstrip: node.member("lstrip").boolean(false),
    rstrip: node.member("rstrip").boolean(false),
    singleWord: node.member("single_word").boolean(false),
    normalized: node.member("normalized").boolean(!special),
  };
}

/** The tokens that `tokenizer_config.json` gives a role; each is a string or an object with `content`. */
export function parseSpecialTokens(config: JsonNode, isToken: (content: string) => boolean): SpecialTokens {
  const read = (name: string): string | undefined => {
    const node = config.member(name);
    if (node.isNull) return undefined;
    const contentNode = typeof node.value === "string" ? node : node.member("content");
    const content = contentNode.string();
    if (!isToken(content)) contentNode.fail(`${JSON.stringify(content)} is not a token of this tokenizer`);
    return content;
  };
  return withoutUndefined({
    beginOfSequence: read("bos_token"),
    endOfSequence: read("eos_token"),
    padding: read("pad_token"),
    unknown: read("unk_token"),
  });
}

function withoutUndefined(tokens: { [Role in keyof SpecialTokens]: string | undefined }): SpecialTokens {
  return Object.fromEntries(Object.entries(tokens).filter(([, token]) => token !== undefined));
}
