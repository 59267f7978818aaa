import { UnsupportedError } from "@polywen/tensor";
import type { JsonNode } from "./json-node.ts";

const depthLimit = 8;
const stepLimit = 64;

/** The steps of a normalizer, pre-tokenizer, decoder or post-processor: none, one, or those of nested sequences. */
export function flattenSteps(node: JsonNode, member: string): JsonNode[] {
  const steps = flatten(node, member, 0);
  if (steps.length > stepLimit) node.fail(`has ${steps.length} steps; the limit is ${stepLimit}`);
  return steps;
}

function flatten(node: JsonNode, member: string, depth: number): JsonNode[] {
  if (node.isNull) return [];
  if (node.member("type").value !== "Sequence") return [node];
  if (depth === depthLimit) node.fail(`sequences are nested more than ${depthLimit} deep`);
  return node.member(member).items().flatMap((part) => flatten(part, member, depth + 1));
}

/** Throws UnsupportedError with the place of `node`. */
export function refuse(node: JsonNode, feature: string, supported?: readonly string[]): never {
  throw new UnsupportedError({ feature: `${node.file} at ${node.pointer || "/"}: ${feature}`, ...(supported === undefined ? {} : { supported }) });
}
