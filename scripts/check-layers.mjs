// A package may depend on strictly lower layers only, in its manifest and in every import of its sources.
import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { listFiles, readPackages, report, shown } from "./workspace.mjs";

const layers = [
  ["tensor"],
  ["cpu-kernels", "cuda-kernels", "formats", "tokenizer"],
  ["quantize", "kv-cache"],
  ["core"],
  ["cross-modal"],
  ["vision", "audio"],
  ["polywen"],
  ["training", "server", "ai-sdk"],
  ["cli"],
];
const layerOf = new Map(layers.flatMap((names, layer) => names.map((name) => [name, layer])));

/** The short name of one of our packages in an import or a manifest, or nothing for foreign ones. */
function ownPackage(specifier) {
  const match = /^(?:@polywen\/([^/]+)|(polywen))(?:\/|$)/.exec(specifier);
  return match?.[1] ?? match?.[2];
}

/** Specifiers of static and dynamic imports, re-exports, `import()` types and `require`; comments do not count. */
function importsOf(source) {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[\s;{}])\/\/.*$/gm, "$1");
  const pattern = /(?:\bfrom\s*|\bimport\s*|\b(?:import|require|resolve)\s*\(\s*)(["'`])([^"'`\n]+)\1/g;
  return [...code.matchAll(pattern)].map((match) => match[2]);
}

function checkOwnDependency(from, to, place) {
  if (!layerOf.has(to)) return [`${place}: ${to} is not in the table of layers`];
  if (layerOf.get(to) < layerOf.get(from)) return [];
  return [`${place}: ${from} (layer ${layerOf.get(from)}) must not depend on ${to} (layer ${layerOf.get(to)})`];
}

function checkImport(entry, file, specifier, declared) {
  if (specifier.startsWith(".")) {
    const inside = !relative(entry.folder, resolve(dirname(file), specifier)).startsWith("..");
    const names = /[/\\]packages[/\\]/.test(resolve(dirname(file), specifier));
    return inside || !names ? [] : [`${shown(file)}: "${specifier}" reaches into another package`];
  }
  const target = ownPackage(specifier);
  if (target === undefined || target === entry.name) return [];
  const problems = checkOwnDependency(entry.name, target, shown(file));
  if (!declared.has(target)) problems.push(`${shown(file)}: imports ${specifier}, which package.json does not declare`);
  return problems;
}

function checkPackage(entry) {
  const place = shown(entry.folder);
  if (!layerOf.has(entry.name)) return [`${place}: not in the table of layers`];
  const { dependencies, devDependencies, peerDependencies, optionalDependencies } = entry.manifest;
  const all = Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies, ...optionalDependencies });
  const declared = new Set(all.map(ownPackage).filter((name) => name !== undefined));
  const problems = [...declared].flatMap((name) => checkOwnDependency(entry.name, name, `${place}/package.json`));
  for (const file of listFiles(`${entry.folder}/src`, /\.(ts|mts|js|mjs)$/)) {
    for (const specifier of importsOf(readFileSync(file, "utf8"))) problems.push(...checkImport(entry, file, specifier, declared));
  }
  return problems;
}

const packages = readPackages();
report("layers", `${packages.length} packages`, packages.flatMap(checkPackage));
