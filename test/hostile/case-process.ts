/** The process of one case: opens what the case needs, then measures its calls. Started by `run-case.ts`. */
import { PolywenError, type Model } from "polywen";
import type { Attempt, Workspace } from "./hostile-case.ts";
import { hostileCases } from "./hostile-cases.ts";
import { createWorkspace } from "./workspace.ts";
import type { AttemptReport, CaseReport } from "./run-case.ts";

/** How many seconds a second of work takes: the start of this process, which is all work, by the clock and by the processor. */
function measureSlowness(): number {
  const { user, system } = process.cpuUsage();
  return Math.max(1, (process.uptime() * 1e6) / (user + system));
}

async function runCase(id: string, workspace: Workspace): Promise<CaseReport> {
  const slowness = measureSlowness();
  const hostileCase = hostileCases.find((candidate) => candidate.id === id)!;
  const model = await hostileCase.model?.(workspace);
  const attempts = await hostileCase.attempts(workspace, model as Model);
  const residentBefore = process.memoryUsage.rss();
  const reports: AttemptReport[] = [];
  for (const attempt of attempts) reports.push(await measure(attempt));
  // The peak since the start, in KiB: what the calls added is at most this minus what was there before them.
  const growth = process.resourceUsage().maxRSS * 1024 - residentBefore;
  await model?.dispose();
  return { attempts: reports, growth, slowness };
}

async function measure(attempt: Attempt): Promise<AttemptReport> {
  const started = performance.now();
  try {
    const result = await attempt();
    return { milliseconds: performance.now() - started, result };
  } catch (error) {
    const milliseconds = performance.now() - started;
    if (PolywenError.isInstance(error)) return { milliseconds, error: error.toJSON() };
    return { milliseconds, untyped: error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error) };
  }
}

const [id = "", folder = ""] = process.argv.slice(2);
const report: CaseReport = await runCase(id, createWorkspace(folder));
process.send!(report, () => process.disconnect());

