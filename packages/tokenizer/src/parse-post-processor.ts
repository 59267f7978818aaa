import type { JsonNode } from "./json-node.ts";
import { flattenSteps, refuse } from "./json-steps.ts";

/** Ids around a sequence. */
export interface Surroundings {
  readonly prefix: number[];
  readonly suffix: number[];
}

/** Reads `/post_processor`; ids are below `idLimit`. */
export function parsePostProcessor(node: JsonNode, idLimit: number): Surroundings {
  let around: Surroundings = { prefix: [], suffix: [] };
  for (const part of flattenSteps(node, "processors")) {
    const type = part.member("type").string();
    if (type === "TemplateProcessing") around = parseTemplateProcessing(part, idLimit);
    else if (type !== "ByteLevel") refuse(part, `the post-processor "${type}"`, ["ByteLevel", "TemplateProcessing"]);
  }
  return around;
}

/** Only the form for a single sequence counts: `[special tokens] A [special tokens]`. */
function parseTemplateProcessing(node: JsonNode, idLimit: number): Surroundings {
  const prefix: number[] = [];
  const suffix: number[] = [];
  let sequences = 0;
  for (const part of node.member("single").items()) {
    const special = part.member("SpecialToken");
    if (special.isNull) {
      part.member("Sequence").record();
      sequences += 1;
      continue;
    }
    const name = special.member("id").string();
    const ids = node.member("special_tokens").member(name).member("ids").items().map((id) => id.index(idLimit));
    (sequences === 0 ? prefix : suffix).push(...ids);
  }
  if (sequences !== 1) node.member("single").fail("expected exactly one Sequence");
  return { prefix, suffix };
}
