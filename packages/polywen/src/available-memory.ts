import { readFileSync } from "node:fs";
import { freemem, platform, totalmem } from "node:os";

/**
 * Bytes that this process may still occupy: what the system can give without swapping, or what its control group leaves if
 * that is less. Pages that only cache files count as free, for they are given up on demand.
 * `groups` is where the control group of a container is mounted.
 */
export function availableMemory(groups = "/sys/fs/cgroup"): number {
  return Math.min(systemMemory(), groupMemory(groups));
}

function systemMemory(): number {
  if (platform() === "linux") {
    const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(readOrNothing("/proc/meminfo"))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  }
  // What macOS calls free is only what it found no use for.
  return platform() === "darwin" ? totalmem() : freemem();
}

/** The limit of the control group that containers see as their own, version 2 or 1; infinite where there is none. */
function groupMemory(groups: string): number {
  const version2 = groupOf(groups, "memory.max", "memory.current");
  return Math.min(version2, groupOf(`${groups}/memory`, "memory.limit_in_bytes", "memory.usage_in_bytes"));
}

function groupOf(folder: string, limitFile: string, usageFile: string): number {
  const limit = Number.parseInt(readOrNothing(`${folder}/${limitFile}`), 10);
  const usage = Number.parseInt(readOrNothing(`${folder}/${usageFile}`), 10);
  if (Number.isNaN(limit) || Number.isNaN(usage)) return Number.POSITIVE_INFINITY;
  const statistics = readOrNothing(`${folder}/memory.stat`);
  const cached = ["active_file", "inactive_file"].map((name) => Number(new RegExp(`^(?:total_)?${name} (\\d+)$`, "m").exec(statistics)?.[1] ?? 0));
  return Math.max(0, limit - usage + cached.reduce((sum, bytes) => sum + bytes, 0));
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
