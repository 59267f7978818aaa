// Builds the native addon, and with --test also builds and runs the C++ tests. Usage: node build.mjs [--test] [--preset release|asan]
// Without CMake or a C++ compiler it says so and ends well: everything still runs on the reference backend.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const folder = fileURLToPath(new URL(".", import.meta.url));
const { values: options } = parseArgs({ options: { test: { type: "boolean", default: false }, preset: { type: "string", default: "release" } } });
const build = join(folder, "build", options.preset);

function exists(command) {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}

/** Runs a command quietly: its output is only shown if it fails. */
function run(command, ...argumentList) {
  const { status, stdout, stderr, error } = spawnSync(command, argumentList, { cwd: folder, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status === 0) return stdout;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}\n${command} ${argumentList.join(" ")} failed\n`);
  process.exit(1);
}

const compiler = [process.env.CXX, "g++", "clang++"].find((command) => command && exists(command));
const generator = exists("ninja") ? "Ninja" : exists("make") ? "Unix Makefiles" : undefined;
const missing = [!exists("cmake") && "cmake", !compiler && "a C++ compiler", !generator && "ninja or make"].filter(Boolean);
if (process.platform === "win32" || missing.length > 0) {
  const reason = process.platform === "win32" ? "Windows is not supported yet" : `not found: ${missing.join(", ")}`;
  console.log(`The native backend was not built (${reason}). Polywen runs on the reference backend, which is slow.`);
  process.exit(0);
}

const jobs = ["--parallel", String(availableParallelism())];
run("cmake", "--preset", options.preset, "-G", generator, `-DCMAKE_CXX_COMPILER=${compiler}`);
run("cmake", "--build", build, ...jobs);
if (options.test) {
  run("cmake", "--build", build, "--target", "native_tests", ...jobs);
  process.stdout.write(run("ctest", "--test-dir", build, "--output-on-failure"));
}
