import type { MediaPart } from "@polywen/cross-modal";
import { InvalidArgumentError } from "@polywen/tensor";
import type { ContentPart, Message, Prompt } from "../content.ts";

/** A message whose content is a list of parts. */
export interface CheckedMessage {
  readonly role: Message["role"];
  readonly parts: readonly ContentPart[];
}

const roles: readonly string[] = ["system", "user", "assistant"];
const MAX_MESSAGES = 10_000;

/** Brings every form of a prompt to a list of messages. Throws `InvalidArgumentError` for empty or malformed ones. */
export function checkPrompt(prompt: Prompt): readonly CheckedMessage[] {
  if (typeof prompt === "string" || isParts(prompt)) return [checkMessage({ role: "user", content: prompt }, "prompt")];
  const messages: unknown = (prompt as { messages?: unknown } | null)?.messages;
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > MAX_MESSAGES) {
    throw new InvalidArgumentError({ argument: "prompt", expected: "a text, content parts or { messages } with at least one message", received: prompt });
  }
  return messages.map((message: Message, index) => checkMessage(message, `messages[${index}]`));
}

function checkMessage(message: Message, argument: string): CheckedMessage {
  if (!roles.includes(message?.role)) throw new InvalidArgumentError({ argument: `${argument}.role`, expected: roles.join(", "), received: message?.role });
  const parts: readonly unknown[] = typeof message.content === "string" ? [message.content] : isParts(message.content) ? message.content : [undefined];
  parts.forEach((part, index) => {
    if (typeof part !== "string" && !isMedium(part)) throw new InvalidArgumentError({ argument: `${argument}[${index}]`, expected: "text or a medium such as image(…)", received: part });
  });
  if (message.role === "user" && parts.every((part) => part === "")) {
    throw new InvalidArgumentError({ argument, expected: "some content", received: message.content });
  }
  return { role: message.role, parts: parts as readonly ContentPart[] };
}

function isParts(value: unknown): value is readonly ContentPart[] {
  return Array.isArray(value);
}

function isMedium(value: unknown): value is MediaPart {
  return typeof value === "object" && value !== null && (value as MediaPart).type === "medium" && typeof (value as MediaPart).modality === "string";
}
