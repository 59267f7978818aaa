import { Environment } from "@huggingface/jinja";

interface RuntimeString {
  readonly value: string;
  readonly builtins: Map<string, unknown>;
}

/** What `str.isspace` of Python accepts; JavaScript's `trim` differs in U+001C to U+001F, U+0085 and U+FEFF. */
const pythonSpace: ReadonlySet<string> = new Set(
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
);

let installed = false;

/**
 * Gives strings in templates the `strip`, `lstrip` and `rstrip` of Python. Those of `@huggingface/jinja` ignore their argument, but
 * `content.rstrip('\n')` (Qwen3) must leave spaces alone. The package does not export its value classes, so that this reaches them
 * through a value.
 */
export function usePythonStrings(): void {
  if (installed) return;
  installed = true;
  const prototype = Object.getPrototypeOf(new Environment().set("text", "")) as object;
  const original = Object.getOwnPropertyDescriptor(prototype, "builtins")?.get as (this: RuntimeString) => Map<string, unknown>;
  Object.defineProperty(prototype, "builtins", {
    get(this: RuntimeString): Map<string, unknown> {
      const builtins = original.call(this);
      const scope = new Environment();
      const define = (name: string, left: boolean, right: boolean): void => {
        builtins.set(name, scope.set(name, (characters: unknown) => strip(this.value, characters, left, right)));
      };
      define("strip", true, true);
      define("lstrip", true, false);
      define("rstrip", false, true);
      return builtins;
    },
  });
}

function strip(text: string, characters: unknown, left: boolean, right: boolean): string {
  const set: ReadonlySet<string> = typeof characters === "string" ? new Set(characters) : pythonSpace;
  const units = Array.from(text);
  let start = 0;
  let end = units.length;
  if (left) while (start < end && set.has(units[start] as string)) start += 1;
  if (right) while (end > start && set.has(units[end - 1] as string)) end -= 1;
  return units.slice(start, end).join("");
}
