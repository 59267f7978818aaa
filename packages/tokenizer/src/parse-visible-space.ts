import type { JsonNode } from "./json-node.ts";

/** What a `Metaspace` says, as a pre-tokenizer and as a decoder. */
export interface VisibleSpace {
  /** The one character that stands for a space. */
  readonly replacement: string;
  /** Before which parts of a text one is put. */
  readonly prepend: "always" | "first" | "never";
}

export function parseVisibleSpace(node: JsonNode): VisibleSpace {
  const replacement = node.member("replacement").string();
  if (Array.from(replacement).length !== 1) node.member("replacement").fail("expected one character");
  const schemeNode = node.member("prepend_scheme");
  // Files from before `prepend_scheme` say `add_prefix_space`.
  const prepend = schemeNode.isNull ? (node.member("add_prefix_space").boolean(true) ? "always" : "never") : schemeNode.string();
  if (prepend !== "always" && prepend !== "first" && prepend !== "never") {
    return schemeNode.fail(`expected "always", "first" or "never"`);
  }
  return { replacement, prepend };
}
