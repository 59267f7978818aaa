import { spawnSync } from "node:child_process";
import { selectBackend } from "polywen";

/**
 * Why tests of the native backend cannot run here: only where it does not load *and* no compiler could have built it.
 * A backend that should be there and does not load is a failure of the tests, not a reason to skip them.
 */
export async function nativeBackendMissing(): Promise<string | undefined> {
  try {
    const { backend } = await selectBackend("cpu", 1);
    await backend.dispose();
    return undefined;
  } catch (error) {
    const missing = [runs("cmake") ? [] : ["CMake"], ["c++", "g++", "clang++"].some(runs) ? [] : ["a C++ compiler"]].flat();
    return missing.length === 0 ? undefined : `skipped on the native backend: ${missing.join(" and ")} not found (${String(error)})`;
  }
}

function runs(command: string): boolean {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;
}
