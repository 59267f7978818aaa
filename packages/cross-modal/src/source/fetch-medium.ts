import { once } from "node:events";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { systemCode } from "@polywen/formats";
import { InvalidArgumentError, PolywenError, throwIfAborted } from "@polywen/tensor";
import type { MediaBytes, ReadMediaOptions } from "./media-bytes.ts";
import { NetworkError } from "./network-error.ts";
import { nameOfUrl, policyLookup, requireAllowedUrl, type NetworkAccess } from "./network-policy.ts";
import { collectChunks } from "./read-stream.ts";
import { requireSize } from "./require-size.ts";

const defaultTimeout = 30_000;
const defaultRedirects = 3;

/**
 * Fetches a medium with GET. Every address on the way, redirects included, must be allowed by `access`; no cookies, credentials or
 * proxies are used, and compressed answers are refused, so that the limit on bytes is one on memory.
 * Throws NetworkError, LimitExceededError, InvalidArgumentError for a text that is no URL, and AbortedError.
 */
export async function fetchMedium(href: string, access: NetworkAccess, options: ReadMediaOptions): Promise<MediaBytes> {
  if (!URL.canParse(href)) throw new InvalidArgumentError({ argument: options.what, expected: "a URL", received: href });
  const timeout = access.timeout ?? defaultTimeout;
  if (!Number.isFinite(timeout) || timeout <= 0) throw new InvalidArgumentError({ argument: "network.timeout", expected: "a positive number of milliseconds", received: timeout });
  const deadline = AbortSignal.timeout(Math.min(timeout, 2 ** 31 - 1));
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  let url = new URL(href);
  try {
    for (let redirects = access.maxRedirects ?? defaultRedirects; ; redirects--) {
      const answer = await ask(url, access, signal);
      const next = redirectOf(answer, url);
      if (next === undefined) return await readAnswer(answer, nameOfUrl(url), options);
      answer.destroy();
      if (redirects <= 0) throw new NetworkError({ url: nameOfUrl(url), problem: "there are too many redirects" });
      url = next;
    }
  } catch (error) {
    if (PolywenError.isInstance(error)) throw error;
    throwIfAborted(options.signal, `Reading ${nameOfUrl(url)}`);
    const problem = deadline.aborted ? `it took longer than ${timeout} ms` : `the connection failed with ${systemCode(error)}`;
    throw new NetworkError({ url: nameOfUrl(url), problem }, { cause: error });
  }
}

async function ask(url: URL, access: NetworkAccess, signal: AbortSignal): Promise<IncomingMessage> {
  requireAllowedUrl(url, access);
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  const headers = { accept: "*/*", "accept-encoding": "identity", "user-agent": "polywen" };
  const request = send(url, { headers, signal, agent: false, lookup: policyLookup(url, access) });
  // Errors after the answer began are those of the answer, too; without a listener they would end the process.
  request.on("error", () => undefined);
  request.end();
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  return answer;
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage, url: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, url.href)) throw new NetworkError({ url: nameOfUrl(url), problem: "it redirects to no address", status: statusCode });
  return new URL(location, url);
}

async function readAnswer(answer: IncomingMessage, name: string, options: ReadMediaOptions): Promise<MediaBytes> {
  const { statusCode: status = 0, headers } = answer;
  try {
    if (status !== 200) throw new NetworkError({ url: name, problem: `the server answered ${status}`, status });
    if ((headers["content-encoding"] ?? "identity") !== "identity") throw new NetworkError({ url: name, problem: "the answer is compressed, which was not asked for", status });
    requireSize(Number(headers["content-length"] ?? 0), name, options.maxBytes);
    return { bytes: await collectChunks(answer, name, options), name };
  } finally {
    answer.destroy();
  }
}
