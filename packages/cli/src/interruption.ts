import { constants } from "node:os";

const names = ["SIGINT", "SIGTERM"] as const;

/**
 * Fires when the process is asked to stop, and sets the exit code that shells expect (130 or 143). A second request
 * ends the process at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of names) {
    process.on(name, () => {
      const exitCode = 128 + constants.signals[name];
      if (controller.signal.aborted) process.exit(exitCode);
      process.exitCode = exitCode;
      controller.abort(name);
    });
  }
  return controller.signal;
}
