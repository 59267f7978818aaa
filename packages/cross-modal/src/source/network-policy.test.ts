import type { LookupAddress } from "node:dns";
import { expect, it, vi } from "vitest";
import { policyLookup, type NetworkAccess } from "./network-policy.ts";

/** What the name server answers, one entry a question. */
let answers: LookupAddress[][] = [];
vi.mock("node:dns", () => ({ lookup: (_name: string, _options: object, done: (error: null, addresses: LookupAddress[]) => void) => done(null, answers.shift()!) }));

const publicAddress: LookupAddress = { address: "93.184.215.14", family: 4 };
const privateAddress: LookupAddress = { address: "127.0.0.1", family: 4 };

/** Resolves a name as a connection does. */
function resolve(access: NetworkAccess = {}, all = false): Promise<unknown> {
  const lookup = policyLookup(new URL("https://changing.example/a.png?token=secret"), access);
  return new Promise((done, fail) => lookup("changing.example", { all }, (error, address) => (error === null ? done(address) : fail(error))));
}

it("checks the very addresses that are connected to, each time a name is resolved", async () => {
  answers = [[publicAddress], [privateAddress], [publicAddress]];
  expect(await resolve()).toBe(publicAddress.address);
  await expect(resolve()).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining("not public"), facts: { url: "https://changing.example/a.png" } });
  expect(await resolve({}, true)).toEqual([publicAddress]);
  expect(answers).toEqual([]);
});

it("refuses a name with a private address among others, and one without any", async () => {
  answers = [[publicAddress, privateAddress], [{ address: "::1", family: 6 }, publicAddress], []];
  for (let question = 0; question < 3; question++) await expect(resolve()).rejects.toMatchObject({ code: "NETWORK" });
});

it("allows private addresses where they are asked for", async () => {
  answers = [[privateAddress]];
  expect(await resolve({ allowPrivateAddresses: true })).toBe(privateAddress.address);
});
