/**
 * A peer is an implementation in a process of its own. Both sides of this file: `Peer` asks, `serve` answers.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/**
 * What a peer is started with.
 * @typedef {object} PeerSettings
 * @property {string} model File or folder.
 * @property {number} threads
 * @property {number} sequences Prompts that run together.
 * @property {number} contextTokens Tokens of each of them.
 * @property {boolean} [flashAttention]
 * @property {string} [packages] Folder in which the package of a peer is installed.
 */

/**
 * One run: prompts of ids are read together and continued greedily by `generate` tokens each, past end tokens.
 * @typedef {object} RunRequest
 * @property {number[][]} prompts
 * @property {number} generate
 * @property {boolean} [logprobs] Report alternatives with each token.
 */

/** @typedef {{ prefill: { tokens: number, ms: number }, decode: { tokens: number, ms: number }, tokenIds: number[][] }} RunResult */

/**
 * What a peer implements. `tokenize` and `speed` are asked of one peer only.
 * @typedef {object} PeerImplementation
 * @property {object} info
 * @property {(request: RunRequest) => Promise<RunResult>} run
 * @property {(text: string) => number[]} [tokenize]
 * @property {() => Promise<object>} [speed]
 * @property {() => unknown} close
 */

/** @typedef {{ loadMs: number, info: any }} PeerStart */

/** The asking side. */
export class Peer {
  /**
   * @param {"polywen" | "llama-cpp"} name
   * @param {PeerSettings} settings
   */
  constructor(name, settings) {
    this.name = name;
    this.child = fork(fileURLToPath(new URL(`${name}.mjs`, import.meta.url)), [JSON.stringify(settings)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    /** @type {Promise<PeerStart>} */
    this.ready = this.receive();
  }

  async receive() {
    const answered = new AbortController();
    try {
      const [message] = await Promise.race([
        once(this.child, "message", { signal: answered.signal }),
        once(this.child, "exit", { signal: answered.signal }).then(([code]) => {
          throw new TypeError(`${this.name} ended with ${code} before it answered; see its message above.`);
        }),
      ]);
      return message;
    } finally {
      answered.abort();
    }
  }

  /**
   * @param {"run" | "tokenize" | "speed" | "peakRss"} method
   * @param {unknown} [argument]
   */
  ask(method, argument) {
    this.child.send({ method, argument });
    return this.receive();
  }

  /** @param {RunRequest} request @returns {Promise<RunResult>} */
  run(request) {
    return this.ask("run", request);
  }

  async close() {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.disconnect();
    await ended;
  }
}

/**
 * The answering side.
 * @param {(settings: PeerSettings) => Promise<PeerImplementation>} start
 */
export async function serve(start) {
  const settings = /** @type {PeerSettings} */ (JSON.parse(process.argv[2] ?? "{}"));
  const started = performance.now();
  const peer = await start(settings);
  const loadMs = performance.now() - started;
  const methods = /** @type {Record<string, (argument: any) => unknown>} */ ({ ...peer, peakRss: () => process.resourceUsage().maxRSS * 1024 });
  process.on("message", async (/** @type {{ method: string, argument: unknown }} */ { method, argument }) => {
    process.send?.(await methods[method]?.(argument));
  });
  process.once("disconnect", async () => {
    await peer.close();
    process.exit(0);
  });
  process.send?.({ loadMs, info: peer.info });
}
