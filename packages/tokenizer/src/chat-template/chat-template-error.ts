import { PolywenError, type PolywenErrorOptions } from "@polywen/tensor";

/**
 * What can go wrong with a chat template: there is none (`TEMPLATE_MISSING`), it is wrong or refused the messages (`TEMPLATE_INVALID`), or
 * it needed more time, memory or text than allowed (`TEMPLATE_LIMIT`).
 */
export type ChatTemplateErrorCode = "TEMPLATE_MISSING" | "TEMPLATE_INVALID" | "TEMPLATE_LIMIT";

/** A chat template is missing, wrong, or went beyond a limit. `facts.file` says where it comes from. */
export class ChatTemplateError extends PolywenError {
  constructor(
    code: ChatTemplateErrorCode,
    facts: { file: string; problem: string; limit?: number; unit?: string },
    options: Pick<PolywenErrorOptions, "hint" | "cause"> = {},
  ) {
    super(code, `${facts.file}: ${facts.problem}.`, { facts, ...options });
  }
}
