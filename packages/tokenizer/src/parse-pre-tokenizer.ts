import type { JsonNode } from "./json-node.ts";
import { flattenSteps, refuse } from "./json-steps.ts";
import { parseVisibleSpace } from "./parse-visible-space.ts";
import type { SplitBehavior, WordStep } from "./tokenizer-definition.ts";
import { gpt2Pattern, translateWordPattern } from "./word-patterns.ts";

/** Longest text that a Split looks for. */
const textLimit = 256;

const behaviors: readonly string[] = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];

/** What `/pre_tokenizer` says: where words begin and end, and whether their symbols are bytes. */
export interface PreTokenizer {
  readonly wordSteps: WordStep[];
  readonly byteLevel: boolean;
}

export function parsePreTokenizer(node: JsonNode): PreTokenizer {
  const parts = flattenSteps(node, "pretokenizers");
  const last = parts.at(-1);
  const byteLevel = last?.member("type").value === "ByteLevel";
  const wordSteps = parts.flatMap((part): WordStep[] => {
    const type = part.member("type").string();
    switch (type) {
      case "Split":
        return [parseSplit(part)];
      case "Digits":
        return [isolated(part.member("individual_digits").boolean(false) ? /\p{N}/gu : /\p{N}+/gu)];
      case "Metaspace":
        return [parseMetaspace(part)];
      default:
        // ByteLevel changes the alphabet: what comes after it would see other text.
        if (type === "ByteLevel" && part === last) return parseByteLevel(part);
        return refuse(part, `the pre-tokenizer "${type}" here`, ["Split", "Digits", "Metaspace", "ByteLevel at the end"]);
    }
  });
  return { wordSteps, byteLevel };
}

/** A step that makes every match, and all between matches, a word. */
export function isolated(pattern: RegExp): WordStep {
  return { type: "split", pattern, behavior: "Isolated", invert: false };
}

function parseSplit(node: JsonNode): WordStep {
  const behavior = node.member("behavior").string();
  if (!behaviors.includes(behavior)) refuse(node.member("behavior"), `the Split behavior "${behavior}"`, behaviors);
  return { type: "split", pattern: parsePattern(node.member("pattern")), behavior: behavior as SplitBehavior, invert: node.member("invert").boolean(false) };
}

function parsePattern(node: JsonNode): RegExp {
  const textNode = node.member("String");
  if (textNode.isNull) return knownPattern(node.member("Regex"), node.member("Regex").string());
  const text = textNode.string();
  if (text.length === 0 || text.length > textLimit) textNode.fail(`has ${text.length} characters; expected 1 to ${textLimit}`);
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gu");
}

function parseMetaspace(node: JsonNode): WordStep {
  return { type: "metaspace", ...parseVisibleSpace(node), split: node.member("split").boolean(true) };
}

function parseByteLevel(node: JsonNode): WordStep[] {
  const prefix: WordStep[] = node.member("add_prefix_space").boolean(true) ? [{ type: "metaspace", replacement: " ", prepend: "always", split: false }] : [];
  return node.member("use_regex").boolean(true) ? [...prefix, isolated(knownPattern(node, gpt2Pattern))] : prefix;
}

function knownPattern(node: JsonNode, pattern: string): RegExp {
  return translateWordPattern(pattern) ?? refuse(node, `the word pattern ${JSON.stringify(pattern.slice(0, 200))}`, ["GPT-2", "Qwen2", "Llama 3", "others of published models"]);
}
