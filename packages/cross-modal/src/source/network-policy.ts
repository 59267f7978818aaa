import { BlockList, isIP } from "node:net";
import { lookup as lookupAddress, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { NetworkError } from "./network-error.ts";

/** What may be fetched from the network, and at what pace. An empty object allows `https:` from every public address. */
export interface NetworkAccess {
  /** Hosts that may be asked, redirects included; `.example.com` means its subdomains. Default: all. */
  readonly hosts?: readonly string[] | undefined;
  /** Allows `http:`, which anybody on the way can read and change. Default false. */
  readonly allowHttp?: boolean | undefined;
  /** Allows addresses of this machine and of private networks: only where callers may reach what this process reaches. Default false. */
  readonly allowPrivateAddresses?: boolean | undefined;
  /** Milliseconds for a medium, from the first connection to its last byte. Default 30,000. */
  readonly timeout?: number | undefined;
  /** Redirects that are followed. Default 3. */
  readonly maxRedirects?: number | undefined;
}

const privateIPv4: readonly (readonly [network: string, bits: number])[] = [
  ["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["169.254.0.0", 16], ["172.16.0.0", 12], ["192.0.0.0", 24], ["192.0.2.0", 24],
  ["192.88.99.0", 24], ["192.168.0.0", 16], ["198.18.0.0", 15], ["198.51.100.0", 24], ["203.0.113.0", 24], ["224.0.0.0", 4], ["240.0.0.0", 4],
];
/** Inside the global 2000::/3: addresses that carry an IPv4 address, and those of documents. */
const specialIPv6: readonly (readonly [network: string, bits: number])[] = [["2001::", 23], ["2001:db8::", 32], ["2002::", 16], ["3fff::", 20]];

const refusedIPv4 = new BlockList();
for (const [network, bits] of privateIPv4) refusedIPv4.addSubnet(network, bits, "ipv4");
const refusedIPv6 = new BlockList();
for (const [network, bits] of specialIPv6) refusedIPv6.addSubnet(network, bits, "ipv6");
const globalIPv6 = new BlockList();
globalIPv6.addSubnet("2000::", 3, "ipv6");

/** True for addresses of the public internet; false for everything that is reserved, local, or no address. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !refusedIPv4.check(address, "ipv4");
  return version === 6 && globalIPv6.check(address, "ipv6") && !refusedIPv6.check(address, "ipv6");
}

/** Throws NetworkError if the policy does not allow to ask for this URL. Names are checked again when they are resolved: see `policyLookup`. */
export function requireAllowedUrl(url: URL, access: NetworkAccess): void {
  const refuse = (problem: string): never => {
    throw new NetworkError({ url: nameOfUrl(url), problem });
  };
  if (url.protocol !== "https:" && !(url.protocol === "http:" && access.allowHttp === true)) refuse(`${url.protocol} is not allowed here`);
  if (url.username !== "" || url.password !== "") refuse("a URL with a user name or a password is not fetched");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  if (access.hosts !== undefined && !access.hosts.some((allowed) => isHost(host, allowed.toLowerCase()))) refuse("the host is not among those that are allowed");
  if (isIP(host) !== 0 && access.allowPrivateAddresses !== true && !isPublicAddress(host)) refuse("the address is not public");
}

function isHost(host: string, allowed: string): boolean {
  return allowed.startsWith(".") ? host.endsWith(allowed) : host === allowed;
}

/**
 * Resolves names for a connection and refuses those with any address that is not allowed. What is checked is what is connected to, so
 * that a name cannot change between the check and the use of it.
 */
export function policyLookup(url: URL, access: NetworkAccess): LookupFunction {
  return (hostname, options, callback) => {
    lookupAddress(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [], undefined);
      const refused = access.allowPrivateAddresses === true ? undefined : addresses.find(({ address }) => !isPublicAddress(address));
      if (refused !== undefined || addresses.length === 0) return callback(new NetworkError({ url: nameOfUrl(url), problem: "the name of the host leads to an address that is not public" }), [], undefined);
      const { address, family } = addresses[0] as LookupAddress;
      return options.all === true ? callback(null, addresses) : callback(null, address, family);
    });
  };
}

/** A URL for messages: without user, query and fragment, where secrets stand. */
export function nameOfUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}
