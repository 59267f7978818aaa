import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { usePythonStrings } from "./python-strings.ts";
import { formatTime } from "./format-time.ts";

/** A limit inside the template language was exceeded. */
export class TemplateLimitReached extends Error {}

/** The template itself called `raise_exception`. */
export class RaisedByTemplate extends Error {}

type ParsedTemplate = ReturnType<typeof parse>;

/** Building a longer list ends the whole process inside V8, where no handler can catch it. */
const rangeLimit = 100_000;

const hostName = /^(?:__.*|constructor|prototype)$/;

/** Parses a template as transformers does, with `trim_blocks` and `lstrip_blocks`. Throws if it reaches for JavaScript's own names. */
export function parseTemplate(source: string): ParsedTemplate {
  const parsed = parse(tokenize(source, { trim_blocks: true, lstrip_blocks: true }));
  refuseHostNames(parsed);
  return parsed;
}

/** Renders a parsed template. May run for ever or end the process: meant for `chat-template-child` only. */
export function renderTemplate(template: ParsedTemplate, variables: Readonly<Record<string, unknown>>): string {
  usePythonStrings();
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...globals, ...variables })) environment.set(name, value);
  return String(new Interpreter(environment).run(template).value);
}

const globals: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range,
  raise_exception: (message: unknown): never => {
    throw new RaisedByTemplate(String(message));
  },
  strftime_now: (format: unknown): string => formatTime(new Date(), String(format)),
};

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (![start, stop, step].every(Number.isSafeInteger) || step === 0) throw new TypeError("range() needs integers and a step that is not 0");
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > rangeLimit) throw new TemplateLimitReached(`range() of ${length} numbers; the limit is ${rangeLimit}`);
  return Array.from({ length }, (_, index) => start + index * step);
}

/** The sandbox of Jinja refuses names with underscores in front; these give nothing here, and no honest template has them. */
function refuseHostNames(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  const { type, property } = node as { type?: unknown; property?: { value?: unknown } };
  if (type === "MemberExpression" && typeof property?.value === "string" && hostName.test(property.value)) {
    throw new TypeError(`access to "${property.value}"`);
  }
  const children = node instanceof Map ? [...node].flat() : Object.values(node);
  for (const child of children) refuseHostNames(child);
}
