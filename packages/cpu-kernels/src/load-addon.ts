import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { BackendLoadError } from "@polywen/tensor";
import { API_VERSION, type NativeAddon } from "./addon-types.ts";

interface Candidate {
  readonly path: string;
  readonly reason: string;
}

const require = createRequire(import.meta.url);

let loaded: NativeAddon | undefined;

/**
 * Loads the addon: the file that POLYWEN_NATIVE_PATH names and no other; else the build of this clone; else the
 * package of this platform. Throws `BackendLoadError` with what was tried and what to do.
 */
export function loadAddon(): NativeAddon {
  loaded ??= findAddon();
  return loaded;
}

function findAddon(): NativeAddon {
  const failed: Candidate[] = [];
  for (const path of candidatePaths()) {
    const result = tryLoad(path);
    if ("Engine" in result) return result;
    failed.push(result);
  }
  throw new BackendLoadError({ backend: "cpu", candidates: failed }, { hint: hintFor(failed) });
}

function candidatePaths(): readonly string[] {
  const forced = process.env["POLYWEN_NATIVE_PATH"];
  if (forced !== undefined && forced !== "") return [forced];
  return [...localBuild(), platformPackage()];
}

/** In a clone this file is packages/cpu-kernels/{src,dist}/…, and the build lies beside the packages. */
function localBuild(): readonly string[] {
  const native = fileURLToPath(new URL("../../../native/", import.meta.url));
  return existsSync(`${native}CMakeLists.txt`) ? [`${native}build/release/polywen_cpu.node`] : [];
}

function platformPackage(): string {
  return `@polywen/cpu-kernels-${process.platform}-${process.arch}${usesMusl() ? "-musl" : ""}`;
}

function usesMusl(): boolean {
  if (process.platform !== "linux") return false;
  try {
    return readdirSync("/lib").some((name) => name.startsWith("ld-musl-"));
  } catch {
    return false;
  }
}

function tryLoad(path: string): NativeAddon | Candidate {
  try {
    const addon = require(path) as NativeAddon;
    if (addon.apiVersion === API_VERSION) return addon;
    return { path, reason: `it speaks version ${addon.apiVersion} of the native interface, not ${API_VERSION}; build it again` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { path, reason: code === "MODULE_NOT_FOUND" ? "not found" : message };
  }
}

/** Commands that help: to build in a clone, to reinstall elsewhere. */
function hintFor(failed: readonly Candidate[]): string {
  if (process.env["POLYWEN_NATIVE_PATH"]) return "Unset POLYWEN_NATIVE_PATH, or let it name a polywen_cpu.node.";
  if (localBuild().length > 0) return "Install CMake and a C++20 compiler (Debian: apt install cmake g++ ninja-build), then run `npm run build`.";
  const name = failed.at(-1)!.path;
  return `Run \`npm install --include=optional\`, or \`npm install ${name}\` if that package exists for your platform.`;
}
