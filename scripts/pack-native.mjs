// Makes the package that carries the native addon for this platform: `node scripts/pack-native.mjs FOLDER` writes it
// there, ready for `npm publish` or `npm pack`. Prints nothing and ends with 2 if the addon has not been built.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./workspace.mjs";

const folder = process.argv[2];
const addon = join(root, "native/build/release/polywen_cpu.node");
if (folder === undefined) {
  console.error("Usage: node scripts/pack-native.mjs FOLDER");
  process.exit(1);
}
if (!existsSync(addon)) process.exit(2);

const { version, license, engines } = JSON.parse(readFileSync(join(root, "packages/cpu-kernels/package.json"), "utf8"));
const glibc = process.report.getReport().header.glibcVersionRuntime;
const libc = process.platform !== "linux" ? undefined : glibc === undefined ? "musl" : "glibc";
const platform = `${process.platform}-${process.arch}${libc === "musl" ? "-musl" : ""}`;

mkdirSync(folder, { recursive: true });
copyFileSync(addon, join(folder, "polywen_cpu.node"));
copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
const about = `The native CPU backend of Polywen for ${platform}${glibc === undefined ? "" : `, built against glibc ${glibc}`}.`;
writeFileSync(join(folder, "README.md"), `# @polywen/cpu-kernels-${platform}\n\n${about}\n\`@polywen/cpu-kernels\` loads it; programs need not import it.\n`);
const manifest = {
  name: `@polywen/cpu-kernels-${platform}`,
  version,
  description: about,
  license,
  engines,
  os: [process.platform],
  cpu: [process.arch],
  ...(libc === undefined ? {} : { libc: [libc] }),
  main: "polywen_cpu.node",
  files: ["polywen_cpu.node"],
};
writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
