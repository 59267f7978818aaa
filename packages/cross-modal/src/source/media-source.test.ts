import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readMediaSource, type MediaSource } from "./media-source.ts";
import { isPublicAddress, type NetworkAccess } from "./network-policy.ts";

const content = Uint8Array.of(1, 2, 3, 4, 5);
const base = { what: "image", maxBytes: 100, signal: undefined } as const;
const local: NetworkAccess = { allowHttp: true, allowPrivateAddresses: true };

/** What the server does, by path. */
const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "/image": (response) => response.end(content),
  "/empty": (response) => response.end(),
  "/missing": (response) => response.writeHead(404).end("no"),
  "/long": (response) => response.writeHead(200, { "content-length": "5000" }).write("x"),
  "/chunks": (response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(30)), 1);
    response.on("close", () => clearInterval(timer));
  },
  "/short": (response) => response.writeHead(200, { "content-length": "50" }).write("x", () => response.destroy()),
  "/slow": (response) => response.writeHead(200).write("x"),
  "/silent": () => undefined,
  "/gzip": (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(content),
  "/moved": (response) => response.writeHead(302, { location: "/image" }).end(),
  "/loop": (response) => response.writeHead(301, { location: "/loop" }).end(),
  "/nowhere": (response) => response.writeHead(302).end(),
  "/metadata": (response) => response.writeHead(307, { location: "http://169.254.169.254/latest" }).end(),
  "/file": (response) => response.writeHead(307, { location: "file:///etc/passwd" }).end(),
};

let server: Server;
let origin: string;
let requests: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(`${request.url} ${Object.keys(request.headers).sort().join()}`);
    (answers[request.url!.split("?")[0]!] ?? answers["/missing"]!)(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const fetchFrom = (path: string, network: NetworkAccess = local, more: object = {}): Promise<unknown> => readMediaSource(`${origin}${path}`, { ...base, network, ...more });

describe("readMediaSource, network", () => {
  it("fetches, follows redirects, and sends nothing of the caller", async () => {
    requests = [];
    expect(await fetchFrom("/moved?token=secret")).toEqual({ bytes: Buffer.from(content), name: `${origin}/image` });
    expect(requests).toEqual(["/moved?token=secret accept,accept-encoding,connection,host,user-agent", "/image accept,accept-encoding,connection,host,user-agent"]);
    expect(await readMediaSource(new URL(`${origin}/image`), { ...base, network: local })).toMatchObject({ name: `${origin}/image` });
  });

  it.each([
    ["/missing?token=secret", "the server answered 404"],
    ["/short", "the connection failed"],
    ["/gzip", "compressed"],
    ["/loop", "too many redirects"],
    ["/nowhere", "redirects to no address"],
    ["/file", "file: is not allowed"],
  ])("%s: %s", async (path, problem) => {
    const error = await fetchFrom(path).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "NETWORK", message: expect.stringContaining(problem) });
    expect(JSON.stringify(error)).not.toContain("secret");
  });

  it("bounds bytes, announced or not, and time", async () => {
    await expect(fetchFrom("/long")).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 5000, limit: 100 } });
    await expect(fetchFrom("/chunks")).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 120, limit: 100 } });
    for (const path of ["/slow", "/silent"]) await expect(fetchFrom(path, { ...local, timeout: 50 })).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining("50 ms") });
    await expect(fetchFrom("/empty")).rejects.toMatchObject({ code: "FILE_INVALID" });
    await expect(fetchFrom("/image", { ...local, timeout: Number.NaN })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(fetchFrom("/moved", { ...local, maxRedirects: 0 })).rejects.toMatchObject({ code: "NETWORK" });
  });

  it("is aborted before and while it waits", async () => {
    await expect(fetchFrom("/silent", local, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
    for (const path of ["/silent", "/slow"]) await expect(fetchFrom(path, local, { signal: AbortSignal.timeout(30) })).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("asks nobody unless it is allowed to, and no private address by any of its names", async () => {
    requests = [];
    const { port } = new URL(origin);
    await expect(readMediaSource(`${origin}/image`, base)).rejects.toMatchObject({ code: "UNSUPPORTED", hint: expect.stringContaining("network") });
    const names = ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]", "169.254.169.254"];
    for (const name of names) {
      const refused = readMediaSource(`http://${name}:${port}/image`, { ...base, network: { allowHttp: true } });
      await expect(refused, name).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining("not public") });
    }
    for (const [url, network] of [[`${origin}/image`, { allowPrivateAddresses: true }], [`${origin}/image`, { ...local, hosts: ["example.com", ".0.1x"] }], [`http://user:word@127.0.0.1:${port}/image`, local]] as const) {
      await expect(readMediaSource(url, { ...base, network })).rejects.toMatchObject({ code: "NETWORK" });
    }
    await expect(readMediaSource("https://", { ...base, network: local })).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    await expect(readMediaSource(new URL("ftp://127.0.0.1/x"), { ...base, network: local })).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(requests).toEqual([]);
    expect(await fetchFrom("/image", { ...local, hosts: ["127.0.0.1"] })).toHaveProperty("bytes");
  });

  it("checks redirects as it checks the first address", async () => {
    const network = { allowHttp: true, allowPrivateAddresses: true, hosts: ["127.0.0.1"] };
    await expect(fetchFrom("/metadata", network)).rejects.toMatchObject({ code: "NETWORK", facts: { url: "http://169.254.169.254/latest" } });
  });

  it("knows public addresses", () => {
    for (const address of ["8.8.8.8", "172.15.0.1", "100.63.0.1", "2606:4700::1"]) expect(isPublicAddress(address), address).toBe(true);
    const refused = ["10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "fc00::1", "fe80::1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "x", ""];
    for (const address of refused) expect(isPublicAddress(address), address).toBe(false);
  });
});

describe("readMediaSource, streams", () => {
  const streamOf = (...chunks: unknown[]): ReadableStream<Uint8Array> => ReadableStream.from(chunks) as ReadableStream<Uint8Array>;
  const read = (source: MediaSource, signal?: AbortSignal): Promise<unknown> => readMediaSource(source, { ...base, signal });

  it("joins the chunks of a stream", async () => {
    expect(await read(streamOf(content, content))).toEqual({ bytes: Buffer.from([...content, ...content]), name: "the image stream" });
  });

  it("cancels a stream that has no end", async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(60)), cancel: () => void (cancelled = true) });
    await expect(read(endless)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", facts: { received: 120 } });
    expect(cancelled).toBe(true);
    await expect(read(new ReadableStream(), AbortSignal.timeout(20))).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("refuses what is no stream of bytes", async () => {
    await expect(read(streamOf())).rejects.toMatchObject({ code: "FILE_INVALID" });
    await expect(read(streamOf("text"))).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    const locked = streamOf(content);
    locked.getReader();
    await expect(read(locked)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
    const failing = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(Object.assign(new TypeError("gone"), { code: "ECONNRESET" })) });
    await expect(read(failing)).rejects.toMatchObject({ code: "FILE_ACCESS", facts: { systemCode: "ECONNRESET" } });
    await expect(read(new Blob([new Uint8Array(101)]))).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });
});
