import { once } from "node:events";
import picocolors from "picocolors";

/** Colours for stderr: only where a person looks, unless FORCE_COLOR asks; NO_COLOR forbids. */
const colors = picocolors.createColors(picocolors.isColorSupported && (process.stderr.isTTY === true || "FORCE_COLOR" in process.env));

/** Ends the process when whoever read stdout is gone (`polywen run … | head -1`). */
export function exitQuietlyWithoutReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

/** Writes to stdout, waiting while the reader is slow. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

/** One JSON value on a line of its own. */
export async function printJson(value: unknown): Promise<void> {
  await print(`${JSON.stringify(value)}\n`);
}

/** Names and values in two columns; a value that is undefined is left out. */
export async function printFacts(facts: Readonly<Record<string, string | number | undefined>>): Promise<void> {
  const entries = Object.entries(facts).filter(([, value]) => value !== undefined);
  const width = Math.max(...entries.map(([name]) => name.length)) + 2;
  await print(entries.map(([name, value]) => `${name.padEnd(width)}${String(value).replaceAll("\n", `\n${" ".repeat(width)}`)}\n`).join(""));
}

/** Tells a person what went wrong and what to do next. */
export function reportProblem(message: string, hint: string | undefined): void {
  process.stderr.write(`${colors.red("error:")} ${message}\n${hint === undefined ? "" : `${colors.cyan("hint:")} ${hint}\n`}`);
}

/** Tells a person what to know. */
export function warn(message: string): void {
  process.stderr.write(`${colors.yellow("warning:")} ${message}\n`);
}

/** Bytes for people: `3.4 MB`, in powers of ten. */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return power === 0 ? `${bytes} bytes` : `${(bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** Things per second for people: `26.6 GB/s`, `643.0 Gop/s`. */
export function formatRate(perSecond: number, unit: "bytes" | "operations"): string {
  return `${(perSecond / 1e9).toFixed(1)} ${unit === "bytes" ? "GB" : "Gop"}/s`;
}
