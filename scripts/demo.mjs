// Builds what the demo needs, quietly, then runs it with the arguments given here.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./workspace.mjs";

const turbo = join(root, "node_modules/turbo/bin/turbo");
if (!existsSync(turbo)) {
  console.error("Run `npm ci` first.");
  process.exit(1);
}

console.error("Building Polywen (the first time takes a minute or two) …");
const started = performance.now();
const environment = { ...process.env, TURBO_TELEMETRY_DISABLED: "1" };
const build = spawnSync(process.execPath, [turbo, "run", "build", "--output-logs=errors-only"], { cwd: root, encoding: "utf8", env: environment });
if (build.status !== 0) {
  console.error(`${build.stdout}${build.stderr}\nThe build failed.`);
  process.exit(1);
}
console.error(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s.\n`);

const demo = join(root, "examples/demo/demo.mjs");
const { status } = spawnSync(process.execPath, [demo, ...process.argv.slice(2)], { stdio: "inherit" });
process.exit(status ?? 1);
