import { Worker } from "node:worker_threads";

/** Ends the process, from another thread, when an input takes too long; the input is then still in its folder. */
export interface Watchdog {
  readonly tick: () => void;
  stop(): Promise<unknown>;
}

const code = `
  const { workerData: { ticks, seconds } } = require("node:worker_threads");
  let last = -1;
  setInterval(() => {
    const now = Atomics.load(ticks, 0);
    if (now === last) {
      require("node:fs").writeSync(2, "an input takes more than " + seconds + " s; it lies in the temporary folder polywen-fuzz-*\\n");
      process.kill(process.pid, "SIGKILL");
    }
    last = now;
  }, seconds * 1000);
`;

/** Watches over calls of `tick`, between which there may be up to twice `seconds`. */
export function startWatchdog(seconds: number): Watchdog {
  const ticks = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(code, { eval: true, workerData: { ticks, seconds } });
  return { tick: () => void Atomics.add(ticks, 0, 1), stop: () => worker.terminate() };
}
