import { defineConfig } from "tsup";

/** JavaScript only: `tsc -b` writes the declarations beside it, after tsup has cleaned `dist`. */
export function packageConfig(entry: string[] = ["src/index.ts"]): ReturnType<typeof defineConfig> {
  return defineConfig({ entry, format: "esm", target: "node20", platform: "node", sourcemap: true, clean: true, dts: false, silent: true });
}
