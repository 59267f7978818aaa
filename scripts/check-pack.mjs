// What users get: every package packed, installed without install scripts into an empty project, imported by plain
// Node, type-checked without the source condition, and the text example run on it: first without the platform's native
// package, then with it.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPackages, report, root } from "./workspace.mjs";

const npm = process.platform === "win32" ? "npm.cmd" : "npm";
const packages = readPackages().filter(({ manifest }) => manifest.private !== true);

function run(command, args, folder) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: "utf8", timeout: 300_000 });
  if (error !== undefined) throw error;
  return { failed: status !== 0, stdout, output: `${stdout}${stderr}`.trim() };
}

/** Packs all packages and returns the tarball of each by package name. */
function pack(folder) {
  mkdirSync(folder);
  const args = ["pack", "--json", "--pack-destination", folder, ...packages.flatMap(({ manifest }) => ["-w", manifest.name])];
  const { failed, stdout, output } = run(npm, args, root);
  if (failed) report("pack", `${packages.length} packages`, [output]);
  const packed = Object.values(JSON.parse(stdout.slice(stdout.search(/[[{]/))));
  return Object.fromEntries(packed.map(({ name, filename }) => [name, `file:${join(folder, filename)}`]));
}

function writeProject(folder, tarballs) {
  mkdirSync(folder);
  const manifest = { name: "empty-project", private: true, type: "module", dependencies: tarballs, overrides: tarballs };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, undefined, 2));
  const names = Object.keys(tarballs);
  const body = names.map((name, index) => `import * as p${index} from "${name}";`).join("\n");
  writeFileSync(join(folder, "imports.mjs"), `${body}\nconsole.log([${names.map((_, index) => `p${index}`).join(", ")}].length);\n`);
  writeFileSync(join(folder, "imports.mts"), `${body}\nexport const all: object[] = [${names.map((_, index) => `p${index}`).join(", ")}];\n`);
  const compilerOptions = { module: "NodeNext", target: "ES2022", lib: ["ES2022", "ESNext.Disposable"], strict: true, noEmit: true, types: ["node"], typeRoots: [join(root, "node_modules/@types")], skipLibCheck: false };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["imports.mts"] }));
}

/** Fails unless the cpu backend loads. */
const usesNative = `import("@polywen/cpu-kernels").then(async ({ createCpuBackend }) => (await createCpuBackend()).dispose())`;

function checkProject(folder) {
  const steps = [
    ["install", npm, ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--no-package-lock"]],
    ["import", process.execPath, ["imports.mjs"]],
    ["types", process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."]],
    ["command", process.execPath, ["node_modules/@polywen/cli/dist/main.js", "--version"]],
  ];
  const example = join(root, "examples/text/text.mjs");
  copyFileSync(example, join(folder, "text.mjs"));
  steps.push(["text example on the reference backend", process.execPath, ["text.mjs"]]);
  if (spawnSync(process.execPath, [join(root, "scripts/pack-native.mjs"), join(folder, "native")]).status === 0) {
    steps.push(["native package", npm, ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--no-package-lock", "./native"]]);
    steps.push(["native backend", process.execPath, ["-e", usesNative]]);
    steps.push(["text example on the native backend", process.execPath, ["text.mjs"]]);
  } else console.log("  native package: skipped, the addon has not been built");
  for (const [title, command, args] of steps) {
    const { failed, output } = run(command, args, folder);
    if (failed) return [`${title}:\n${output}`];
    console.log(`  ${title}: ok`);
  }
  return [];
}

const folder = mkdtempSync(join(tmpdir(), "polywen-pack-"));
let problems;
try {
  writeProject(join(folder, "project"), pack(join(folder, "tarballs")));
  problems = checkProject(join(folder, "project"));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report("pack", `${packages.length} packages`, problems);
