import { defineConfig } from "vitest/config";

const conditions = ["@polywen/source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts", "examples/*/**/*.test.ts", "scripts/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    typecheck: { enabled: true, tsconfig: "./tsconfig.check.json", include: ["packages/*/src/**/*.test-d.ts"] },
  },
});
