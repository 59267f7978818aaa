import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Options } from "tsup";

type Plugin = NonNullable<Options["esbuildPlugins"]>[number];

/** Sources of the workspace become one file that starts in a third of the time; what npm installed stays outside. */
const workspaceOnly: Plugin = {
  name: "workspace-only",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) => (kind === "entry-point" || /^(polywen$|@polywen\/)/.test(path) ? undefined : { path, external: true }));
    // Packages look for files beside their own.
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      return { contents: source.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)), loader: "ts" };
    });
  },
};

/** Bundles the process of a case from the sources into `node_modules/.cache`, where it finds the packages. Returns the file. */
export async function bundleProcess(): Promise<string> {
  const here = dirname(fileURLToPath(import.meta.url));
  const outDir = fileURLToPath(new URL(`../../node_modules/.cache/polywen-hostile/${process.pid}`, import.meta.url));
  await build({
    entry: { "case-process": `${here}/case-process.ts` },
    outDir,
    format: "esm",
    outExtension: () => ({ js: ".mjs" }),
    target: "node20",
    config: false,
    silent: true,
    splitting: false,
    clean: true,
    esbuildPlugins: [workspaceOnly],
    esbuildOptions: (options) => {
      options.conditions = ["@polywen/source"];
    },
  });
  return `${outDir}/case-process.mjs`;
}
