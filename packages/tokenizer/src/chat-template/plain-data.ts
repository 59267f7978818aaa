import { InvalidArgumentError } from "@polywen/tensor";

const depthLimit = 64;

/**
 * A copy of `value` made of plain JSON, with `convert` applied to every string and key. What is not plain (pixels, a Blob, a function)
 * becomes a text that names its type, as transformers does: templates ask only whether it is there. Members that are undefined are left out.
 */
export function toPlainData(value: unknown, convert: (text: string) => string, argument: string, depth = 0): unknown {
  if (depth > depthLimit) throw new InvalidArgumentError({ argument, expected: `data nested at most ${depthLimit} deep`, received: value });
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return convert(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map((item) => toPlainData(item, convert, argument, depth + 1));
  if (typeof value !== "object") return `<${typeof value}>`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return `<${value.constructor?.name ?? "object"}>`;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [convert(key), toPlainData(item, convert, argument, depth + 1)]));
}
