import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./workspace.mjs";

/**
 * Why tests of the native backend cannot run here: only where it has not been built *and* nothing could have built it.
 * A backend that should be there and does not load is a failure of the tests, not a reason to skip them.
 * @returns {string | undefined}
 */
export function nativeMissing() {
  if (process.env["POLYWEN_NATIVE_PATH"] || existsSync(join(root, "native/build/release/polywen_cpu.node"))) return undefined;
  const compilers = [process.env["CXX"] ?? "", "g++", "clang++"].filter((name) => name !== "");
  const missing = [runs("cmake") ? [] : ["CMake"], compilers.some(runs) ? [] : ["a C++ compiler"], ["ninja", "make"].some(runs) ? [] : ["ninja or make"]].flat();
  return missing.length === 0 ? undefined : `${missing.join(" and ")} not found`;
}

/** @param {string} command */
function runs(command) {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}
