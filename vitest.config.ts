import { configDefaults, defineConfig } from "vitest/config";
import { nativeMissing } from "./scripts/native-missing.mjs";
import { bundledTemplateProcess } from "./test/bundle-process.ts";

const conditions = ["@polywen/source"];
const missing = nativeMissing();
if (missing !== undefined) console.warn(`\nTests of the native backend are SKIPPED: ${missing}. The others run on the reference backend.\n`);

export default defineConfig({
  plugins: [await bundledTemplateProcess()],
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "examples/*/**/*.test.ts", "scripts/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(missing === undefined ? [] : ["packages/cpu-kernels/**"])],
    env: { POLYWEN_NATIVE_MISSING: missing ?? "" },
    // Machines that run tests are often busy; no test asserts a time of its own.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
    typecheck: { enabled: true, include: ["packages/*/src/**/*.test-d.ts"] },
  },
});
