import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the repository. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");

const generatedFolders = new Set(["node_modules", "dist", "build", ".turbo", "coverage", "__pycache__", ".git"]);

/** All folders under `packages/` that hold a package.json, with that file's content. */
export function readPackages() {
  return readdirSync(join(root, "packages"))
    .map((name) => ({ name, folder: join(root, "packages", name) }))
    .filter(({ folder }) => existsSync(join(folder, "package.json")))
    .map((entry) => ({ ...entry, manifest: JSON.parse(readFileSync(join(entry.folder, "package.json"), "utf8")) }));
}

/** Examples that can be run: `examples/NAME/NAME.mjs`, plain JavaScript for any supported Node. */
export function listExamples() {
  const folder = join(root, "examples");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => ({ name, file: join(folder, name, `${name}.mjs`) }))
    .filter(({ file }) => existsSync(file));
}

/**
 * Files below a folder whose names match, generated folders left out. Missing folders hold nothing.
 * @param {string} folder
 * @param {RegExp} pattern
 * @returns {string[]}
 */
export function listFiles(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return generatedFolders.has(entry.name) ? [] : listFiles(path, pattern);
    return pattern.test(entry.name) ? [path] : [];
  });
}

/**
 * A path as messages show it: from the top of the repository.
 * @param {string} path
 */
export function shown(path) {
  return relative(root, path);
}

/**
 * Prints every problem and ends the process: 1 if there is one, otherwise 0.
 * @param {string} title
 * @param {string} checked
 * @param {readonly string[]} problems
 */
export function report(title, checked, problems) {
  for (const problem of problems) console.error(`  ${problem}`);
  console.log(`${title}: ${checked}, ${problems.length === 0 ? "no problems" : `${problems.length} problem(s)`}`);
  process.exit(problems.length === 0 ? 0 : 1);
}
