import type { JsonNode } from "./json-node.ts";
import { flattenSteps, refuse } from "./json-steps.ts";
import { parseReplacement } from "./parse-normalizer.ts";
import { parseVisibleSpace } from "./parse-visible-space.ts";
import type { DecodingScheme } from "./tokenizer-definition.ts";

type CharacterDecoding = Extract<DecodingScheme, { type: "characters" }>;

/** Reads `/decoder`: `ByteLevel` for byte-level models, else replacements, byte fallback and the space at the start. */
export function parseDecoder(node: JsonNode, byteLevel: boolean): DecodingScheme {
  const parts = flattenSteps(node, "decoders");
  const types = parts.map((part) => part.member("type").string());
  if (byteLevel) {
    if (types.length !== 1 || types[0] !== "ByteLevel") refuse(node, `the decoder [${types.join(", ")}]`, ["ByteLevel"]);
    return { type: "bytes" };
  }
  if (parts.length === 0) refuse(node, "a model of characters without a decoder");
  const scheme: CharacterDecoding = { type: "characters", replacements: [], byteFallback: false, literalAddedTokens: false, leadingSpaces: "kept" };
  return parts.reduce((result, part, index) => addStep(result, part, types.slice(0, index)), scheme);
}

function addStep(scheme: CharacterDecoding, node: JsonNode, before: readonly string[]): CharacterDecoding {
  const type = node.member("type").string();
  const fused = before.includes("Fuse");
  switch (type) {
    case "Replace":
      if (fused || before.includes("ByteFallback")) refuse(node, "the decoder Replace after ByteFallback or Fuse");
      return { ...scheme, replacements: [...scheme.replacements, parseReplacement(node)] };
    case "ByteFallback":
      return { ...scheme, byteFallback: true };
    case "Fuse":
      return scheme;
    case "Strip":
      return { ...scheme, leadingSpaces: parseStrip(node, fused) };
    case "Metaspace":
      return addMetaspace(scheme, node, before);
    default:
      return refuse(node, `the decoder "${type}"`, ["Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"]);
  }
}

function parseStrip(node: JsonNode, fused: boolean): "kept" | "one" {
  const start = node.member("start").index(256);
  const stop = node.member("stop").index(256);
  if (start === 0 && stop === 0) return "kept";
  if (!fused || start !== 1 || stop !== 0 || node.member("content").string() !== " ") {
    refuse(node, "the decoder Strip", ["one space at the start, after Fuse"]);
  }
  return "one";
}

function addMetaspace(scheme: CharacterDecoding, node: JsonNode, before: readonly string[]): CharacterDecoding {
  if (before.length > 0) refuse(node, "the decoder Metaspace after others");
  const { replacement, prepend } = parseVisibleSpace(node);
  return { ...scheme, replacements: [{ from: replacement, to: " " }], leadingSpaces: prepend === "never" ? "kept" : "all" };
}
