import type { JsonNode } from "./json-node.ts";
import { flattenSteps, refuse } from "./json-steps.ts";
import type { NormalizationForm, NormalizationStep } from "./tokenizer-definition.ts";

/** Longest text of a replacement or prefix. */
const textLimit = 256;

const unicodeForms: readonly string[] = ["NFC", "NFD", "NFKC", "NFKD"];
const supported: readonly string[] = [...unicodeForms, "Lowercase", "Strip", "Replace", "Prepend"];

/** Reads `/normalizer`. */
export function parseNormalizer(node: JsonNode): NormalizationStep[] {
  return flattenSteps(node, "normalizers").map(parseStep);
}

function parseStep(node: JsonNode): NormalizationStep {
  const type = node.member("type").string();
  if (unicodeForms.includes(type)) return { type: "unicode", form: type as NormalizationForm };
  switch (type) {
    case "Lowercase":
      return { type: "lowercase" };
    case "Strip":
      return { type: "strip", left: node.member("strip_left").boolean(true), right: node.member("strip_right").boolean(true) };
    case "Replace":
      return { type: "replace", ...parseReplacement(node) };
    case "Prepend":
      return { type: "prepend", text: boundedText(node.member("prepend")) };
    default:
      return refuse(node, `the normalizer "${type}"`, supported);
  }
}

/** The two texts of a `Replace`, which normalizers and decoders have. */
export function parseReplacement(node: JsonNode): { from: string; to: string } {
  const pattern = node.member("pattern");
  if (!pattern.member("Regex").isNull) refuse(pattern.member("Regex"), "replacing what a regular expression matches", ["String"]);
  const fromNode = pattern.member("String");
  const from = boundedText(fromNode);
  if (from === "") fromNode.fail("an empty text cannot be replaced");
  return { from, to: boundedText(node.member("content")) };
}

function boundedText(node: JsonNode): string {
  const text = node.string();
  if (text.length > textLimit) node.fail(`has ${text.length} characters; the limit is ${textLimit}`);
  return text;
}
