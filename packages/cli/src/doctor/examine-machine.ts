import { createRequire } from "node:module";
import { availableParallelism, cpus, freemem, release, totalmem } from "node:os";
import type { DeviceInfo, DeviceSpeed } from "@polywen/tensor";
import { PolywenError, selectBackend } from "polywen";

/** What the native backend runs on here, or why there is none. */
export type NativeReport =
  | { readonly available: true; readonly device: DeviceInfo; readonly speed: DeviceSpeed | undefined }
  | { readonly available: false; readonly message: string; readonly hint: string | undefined; readonly candidates: unknown };

/** What Polywen finds on a machine. Memory in bytes. */
export interface MachineReport {
  readonly node: string;
  /** `libc` is undefined where there is no choice of them. */
  readonly platform: { readonly os: string; readonly release: string; readonly architecture: string; readonly libc: string | undefined };
  readonly cpu: { readonly model: string; readonly cores: number };
  readonly memory: { readonly total: number; readonly free: number };
  /** The reference backend is plain JavaScript and always there. */
  readonly backends: { readonly cpu: NativeReport; readonly reference: { readonly available: true } };
  /** Versions of Polywen's packages. */
  readonly packages: Readonly<Record<string, string>>;
}

/** Looks at machine, versions and backends. A native backend that cannot be loaded is a finding, not an error. */
export async function examineMachine(): Promise<MachineReport> {
  return {
    node: process.version,
    platform: { os: process.platform, release: release(), architecture: process.arch, libc: process.platform === "linux" ? libc() : undefined },
    cpu: { model: cpus()[0]?.model ?? "unknown", cores: availableParallelism() },
    memory: { total: totalmem(), free: freemem() },
    backends: { cpu: await examineNative(), reference: { available: true } },
    packages: packageVersions(),
  };
}

async function examineNative(): Promise<NativeReport> {
  try {
    const { backend } = await selectBackend("cpu");
    try {
      return { available: true, device: backend.device, speed: await backend.measureSpeed?.() };
    } finally {
      await backend.dispose();
    }
  } catch (error) {
    if (!PolywenError.isInstance(error) || error.code !== "BACKEND_UNAVAILABLE") throw error;
    return { available: false, message: error.message, hint: error.hint, candidates: error.facts["candidates"] };
  }
}

/** Prebuilt addons are made for one C library: `glibc 2.36`, or musl where Node reports none. */
function libc(): string {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const version = report.header?.glibcVersionRuntime;
  return version === undefined ? "musl" : `glibc ${version}`;
}

/** The facade and what it is made of, as they are installed. */
function packageVersions(): Record<string, string> {
  const facade = createRequire(import.meta.url).resolve("polywen/package.json");
  const require = createRequire(facade);
  const { version, dependencies = {} } = require(facade) as { version: string; dependencies?: Record<string, string> };
  const own = Object.keys(dependencies).filter((name) => name.startsWith("@polywen/"));
  const versions = own.map((name) => [name, (require(`${name}/package.json`) as { version: string }).version]);
  return { polywen: version, ...(Object.fromEntries(versions) as Record<string, string>) };
}
