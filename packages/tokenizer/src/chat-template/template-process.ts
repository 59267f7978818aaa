import { fork, type ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AbortedError, DisposedError } from "@polywen/tensor";
import { ChatTemplateError } from "./chat-template-error.ts";
import { templateMemoryLimit, templateTimeLimit, type RenderAnswer, type RenderRequest } from "./template-protocol.ts";

/** Starting Node and loading the child's code, on a busy machine. */
const startTimeLimit = 20_000;
/** The child stops by itself first; this is for one that cannot. */
const killDelay = 500;

/**
 * One child process that renders the templates of one file, one after the other. It starts with the first rendering, is killed when one
 * goes beyond a limit, and never keeps this process alive.
 */
export class TemplateProcess {
  readonly #file: string;
  #child: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** Rejects with ChatTemplateError, AbortedError or DisposedError. */
  render(request: RenderRequest, signal?: AbortSignal): Promise<string> {
    const result = this.#last.then(() => this.#renderNow(request, signal));
    this.#last = result.catch(() => undefined);
    return result;
  }

  dispose(): void {
    this.#disposed = true;
    this.#kill();
  }

  async #renderNow(request: RenderRequest, signal: AbortSignal | undefined): Promise<string> {
    if (this.#disposed) throw new DisposedError({ object: "ChatTemplate" });
    if (signal?.aborted === true) throw aborted(signal);
    if (this.#child === undefined) await this.#start(signal);
    const answer = await this.#exchange(request, templateTimeLimit + killDelay, signal);
    if (answer.kind === "output") return answer.output;
    if (answer.kind === "limit") this.#kill();
    const { kind, ...facts } = answer as Exclude<RenderAnswer, { kind: "ready" | "output" }>;
    throw new ChatTemplateError(kind === "limit" ? "TEMPLATE_LIMIT" : "TEMPLATE_INVALID", { file: this.#file, ...facts });
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const { path, execArgv } = childCode();
    // No environment: a template has no business with the secrets of the parent.
    const child = fork(path, { execArgv: [`--max-old-space-size=${templateMemoryLimit}`, ...execArgv], env: {}, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    this.#child = child;
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    child.on("error", () => undefined);
    await this.#exchange(undefined, startTimeLimit, signal);
    child.unref();
    child.channel?.unref();
  }

  /** Sends a request, if there is one, and waits for the next answer. Whatever else happens kills the child. */
  #exchange(request: RenderRequest | undefined, timeLimit: number, signal: AbortSignal | undefined): Promise<RenderAnswer> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      if (child === undefined || signal?.aborted === true) return reject(signal?.aborted === true ? aborted(signal) : this.#ended(request));
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        child.off("message", onMessage);
        child.off("exit", onExit);
        signal?.removeEventListener("abort", onAbort);
        finish();
      };
      const fail = (error: Error): void => {
        this.#kill();
        settle(() => reject(error));
      };
      const onMessage = (answer: unknown): void => settle(() => resolve(answer as RenderAnswer));
      const onExit = (): void => fail(this.#disposed ? new DisposedError({ object: "ChatTemplate" }) : this.#ended(request));
      const onAbort = (): void => fail(aborted(signal));
      const facts = { file: this.#file, problem: "rendering takes too long", limit: templateTimeLimit, unit: "ms" };
      const timer = setTimeout(() => fail(new ChatTemplateError("TEMPLATE_LIMIT", facts)), timeLimit);
      child.on("message", onMessage);
      child.on("exit", onExit);
      signal?.addEventListener("abort", onAbort);
      if (request !== undefined) child.send(request, (error) => error !== null && fail(this.#ended(request)));
    });
  }

  #ended(request: RenderRequest | undefined): ChatTemplateError {
    if (request === undefined) {
      const problem = "the process that renders the template could not be started";
      const hint = "A bundler must leave @polywen/tokenizer outside the bundle: it starts a file of its own.";
      return new ChatTemplateError("TEMPLATE_LIMIT", { file: this.#file, problem }, { hint });
    }
    return new ChatTemplateError(
      "TEMPLATE_LIMIT",
      { file: this.#file, problem: "the process that renders the template ended", limit: templateMemoryLimit, unit: "MiB" },
      { hint: "The template probably needs more memory than it is allowed." },
    );
  }

  #kill(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

function aborted(signal: AbortSignal | undefined): AbortedError {
  return new AbortedError({ operation: "Rendering the chat template" }, { cause: signal?.reason });
}

/** The child's file: a second entry of the built package, or the source beside this one, which needs a loader for TypeScript. */
function childCode(): { path: string; execArgv: string[] } {
  if (!import.meta.url.endsWith(".ts")) return { path: fileURLToPath(new URL("./chat-template-child.js", import.meta.url)), execArgv: [] };
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return { path: fileURLToPath(new URL("../chat-template-child.ts", import.meta.url)), execArgv: ["--import", loader] };
}
