import { rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Options } from "tsup";

type Plugin = NonNullable<Options["esbuildPlugins"]>[number];

const root = fileURLToPath(new URL("../", import.meta.url));
/** The process that renders chat templates. What starts it looks for it beside itself. */
const templateChild = `${root}packages/tokenizer/src/chat-template-child.ts`;
const templateStarter = /\/chat-template\/template-process\.ts$/;

/** Sources of the workspace, and zod, which is many files. */
const bundled = /^(polywen$|@polywen\/|zod$)/;

/** These become a few files that start in a quarter of the time; what else npm installed stays outside, in the version that each package has. */
const workspaceOnly: Plugin = {
  name: "workspace-only",
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (kind === "entry-point" || bundled.test(path) || pluginData === "installed") return undefined;
      const found = await resolve(path, { kind, importer, resolveDir, pluginData: "installed" });
      return { path: found.external || found.path === "" ? path : found.path, external: true };
    });
    // Packages look for files beside their own.
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const contents = templateStarter.test(path) ? source : source.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: "ts" };
    });
  },
};

/**
 * Bundles the program of a process from the sources into `node_modules/.cache`, where it finds the packages, beside the process that renders
 * chat templates. Returns the file, which lies in a folder of its own.
 */
export async function bundleProcess(entry: string): Promise<string> {
  const name = basename(entry, ".ts");
  const outDir = `${root}node_modules/.cache/polywen-test/${process.pid}-${name}`;
  await build({
    entry: { [name]: entry, "chat-template-child": templateChild },
    outDir,
    format: "esm",
    outExtension: () => ({ js: ".js" }),
    target: "node20",
    config: false,
    silent: true,
    splitting: true,
    clean: true,
    esbuildPlugins: [workspaceOnly],
    esbuildOptions: (options) => {
      options.conditions = ["@polywen/source"];
      // As Node resolves: it does not know the field "module".
      options.mainFields = ["main"];
    },
  });
  await writeFile(`${outDir}/package.json`, '{ "type": "module" }');
  return `${outDir}/${name}.js`;
}

/** Removes what `bundleProcess` made. */
export function removeBundle(file: string): void {
  rmSync(dirname(file), { recursive: true, force: true });
}

/** For vitest: chat templates are rendered by a bundled process, which starts in a quarter of the time that the source takes. */
export async function bundledTemplateProcess(): Promise<{ name: string; enforce: "pre"; transform(code: string, id: string): string | undefined }> {
  const file = await bundleProcess(templateChild);
  process.on("exit", () => removeBundle(file));
  const url = JSON.stringify(pathToFileURL(file).href);
  return {
    name: "bundled-template-process",
    enforce: "pre",
    transform: (code, id) => (templateStarter.test(id) ? code.replaceAll("import.meta.url", url) : undefined),
  };
}
