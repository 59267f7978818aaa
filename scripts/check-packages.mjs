// The shape that all packages share, the length of files, and what publint says about the built packages.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { listFiles, readPackages, report, root, shown } from "./workspace.mjs";

const warnAbove = 300;
const failAbove = 500;
const measured = /\.(ts|mjs|cc|h|cu|cuh|py)$/;
const exempt = /[/\\](generated|goldens|fixtures)[/\\]|\.generated\.[a-z]+$/;
const requiredFiles = ["README.md", "package.json", "tsconfig.json", "tsup.config.ts", "src/index.ts"];
const rootExport = { "@polywen/source": "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" };

function checkManifest({ name, manifest }, versions) {
  const wanted = {
    name: name === "polywen" ? name : `@polywen/${name}`,
    license: "Apache-2.0",
    type: "module",
    sideEffects: false,
    // The facade brings the embedded model.
    files: name === "polywen" ? ["dist", "models"] : ["dist"],
    engines: { node: ">=20.19" },
  };
  const problems = Object.entries(wanted)
    .filter(([key, value]) => JSON.stringify(manifest[key]) !== JSON.stringify(value))
    .map(([key, value]) => `package.json: ${key} must be ${JSON.stringify(value)}`);
  if (!manifest.description) problems.push("package.json: description is missing");
  if (JSON.stringify(manifest.exports?.["."]) !== JSON.stringify(rootExport)) problems.push(`package.json: exports["."] must be ${JSON.stringify(rootExport)}`);
  if (manifest.exports?.["./package.json"] !== "./package.json") problems.push('package.json: exports["./package.json"] is missing');
  for (const lifecycle of ["preinstall", "install", "postinstall"]) {
    if (manifest.scripts?.[lifecycle]) problems.push(`package.json: no ${lifecycle} script`);
  }
  for (const [dependency, version] of Object.entries(manifest.dependencies ?? {})) {
    if (versions.has(dependency) && version !== versions.get(dependency)) problems.push(`package.json: ${dependency} must be exactly ${versions.get(dependency)}`);
  }
  return problems;
}

/** `tsc -b` builds in the right order only if the references name the same packages as the dependencies. */
function checkReferences({ folder, manifest }, versions) {
  const file = join(folder, "tsconfig.json");
  if (!existsSync(file)) return [];
  const { references = [] } = JSON.parse(readFileSync(file, "utf8"));
  const short = (name) => name.replace("@polywen/", "");
  const expected = Object.keys(manifest.dependencies ?? {}).filter((name) => versions.has(name)).map((name) => `../${short(name)}`);
  const actual = references.map(({ path }) => path);
  return JSON.stringify(expected.toSorted()) === JSON.stringify(actual.toSorted()) ? [] : [`tsconfig.json: references must be ${expected.join(", ")}`];
}

function checkSources({ folder }) {
  const problems = [];
  for (const file of listFiles(join(folder, "src"), /\.ts$/)) {
    const source = readFileSync(file, "utf8");
    if (file.endsWith("index.ts") && /^export \*/m.test(source)) problems.push(`${shown(file)}: re-export by name`);
  }
  return problems;
}

/** Users copy examples: they are held to the same. */
function checkErrors() {
  const files = [...listFiles(join(root, "packages"), /\.ts$/), ...listFiles(join(root, "examples"), /\.mjs$/)].filter((file) => !/\.test(-d)?\.ts$/.test(file));
  return files.filter((file) => /\bnew Error\(/.test(readFileSync(file, "utf8"))).map((file) => `${shown(file)}: throw one of the error classes, not a bare Error`);
}

async function checkPublishing({ folder, manifest }) {
  if (!existsSync(join(folder, "dist/index.js"))) return ["dist is missing: run npm run build first"];
  const { messages } = await publint({ pkgDir: folder, strict: true, pack: "npm" });
  // The source condition serves this repository only, so its file is left out of the package on purpose.
  return messages.filter(({ args, path }) => !path?.includes("@polywen/source") && !args?.filePath?.startsWith("src/")).map((message) => `publint: ${formatMessage(message, manifest)}`);
}

async function checkPackage(entry, versions) {
  const problems = requiredFiles.filter((file) => !existsSync(join(entry.folder, file))).map((file) => `${file} is missing`);
  problems.push(...checkManifest(entry, versions), ...checkReferences(entry, versions), ...(await checkPublishing(entry)));
  return [...problems.map((problem) => `${shown(entry.folder)}: ${problem}`), ...checkSources(entry)];
}

function checkLengths() {
  const folders = ["packages", "native", "scripts", "examples", "test", "bench", "tools", "docs"];
  const files = folders.flatMap((folder) => listFiles(join(root, folder), measured)).filter((file) => !exempt.test(file));
  const lengths = files.map((file) => ({ file, lines: readFileSync(file, "utf8").trimEnd().split("\n").length }));
  for (const { file, lines } of lengths) {
    if (lines > warnAbove && lines <= failAbove) console.warn(`  warning: ${shown(file)} has ${lines} lines (review above ${warnAbove})`);
  }
  const problems = lengths.filter(({ lines }) => lines > failAbove).map(({ file, lines }) => `${shown(file)} has ${lines} lines (at most ${failAbove})`);
  return { count: files.length, problems };
}

const packages = readPackages();
const versions = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));
const lengths = checkLengths();
const problems = [...lengths.problems, ...checkErrors()];
for (const entry of packages) problems.push(...(await checkPackage(entry, versions)));
report("packages", `${packages.length} packages, ${lengths.count} files`, problems);
