import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Inputs in `corpus/` that once did what none may do, by the name of their file. */
export function keptInputs(target: string): Map<string, Buffer> {
  const folder = new URL(`corpus/${target}/`, import.meta.url);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return new Map(names.map((name) => [name, readFileSync(new URL(name, folder))]));
}
