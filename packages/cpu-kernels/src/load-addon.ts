import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform, report } from "node:process";
import { fileURLToPath } from "node:url";
import { BackendLoadError } from "@polywen/tensor";
import { ADDON_API_VERSION, type Addon } from "./addon-types.ts";

const require = createRequire(import.meta.url);

/** Where an addon may be, best first. Absent ones are passed over in silence, broken ones are reported. */
interface Candidate {
  readonly path: string;
  /** Whether to try it at all. */
  readonly present: boolean;
}

let loaded: Addon | undefined;

/**
 * Loads the native addon: the file that `POLYWEN_NATIVE_PATH` names, else the local build of a clone, else the package
 * for this platform. Throws `BackendLoadError` with what was tried.
 */
export function loadAddon(): Addon {
  loaded ??= tryCandidates();
  return loaded;
}

function tryCandidates(): Addon {
  const candidates = findCandidates();
  const failures: { path: string; reason: string }[] = [];
  for (const { path, present } of candidates) {
    if (!present) failures.push({ path, reason: "is not there" });
    else {
      try {
        return requireAddon(path);
      } catch (error) {
        failures.push({ path, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  throw new BackendLoadError({ backend: "cpu", candidates: failures }, { hint: hintFor(failures) });
}

function findCandidates(): readonly Candidate[] {
  const forced = process.env["POLYWEN_NATIVE_PATH"];
  if (forced !== undefined && forced !== "") return [{ path: forced, present: existsSync(forced) }];
  // The same from src/ and from dist/ of a clone.
  const local = fileURLToPath(new URL("../../../native/build/release/polywen_cpu.node", import.meta.url));
  const name = `@polywen/cpu-kernels-${platformName()}`;
  return [{ path: local, present: existsSync(local) }, { path: name, present: canResolve(name) }];
}

function requireAddon(path: string): Addon {
  const addon = require(path) as Addon;
  if (addon.apiVersion === ADDON_API_VERSION) return addon;
  throw new BackendLoadError({
    backend: "cpu",
    candidates: [{ path, reason: `speaks version ${addon.apiVersion} of the interface; this package needs ${ADDON_API_VERSION}` }],
  });
}

function platformName(): string {
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const musl = platform === "linux" && header?.glibcVersionRuntime === undefined;
  return `${platform}-${arch}${musl ? "-musl" : ""}`;
}

function canResolve(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

function hintFor(failures: readonly { readonly path: string; readonly reason: string }[]): string {
  const broken = failures.some(({ reason }) => reason !== "is not there");
  if (broken) return "Build the addon again with `npm run build`, or remove the one that cannot be loaded.";
  return `In a clone, install CMake and a C++20 compiler (Debian: apt-get install cmake g++) and run \`npm run build\`; elsewhere, install @polywen/cpu-kernels-${platformName()}.`;
}
