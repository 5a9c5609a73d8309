/**
 * Network addresses as SSMMP writes them: IPv4 and IPv6 literals in canonical form (R15).
 *
 * Lives here: reading, canonical form, writing with a port. Does not live here: which address belongs to
 * whom. Two addresses are the same address exactly when their canonical forms are the same string, so
 * everything behind the codec compares strings.
 */
import ipaddr from 'ipaddr.js';

const PLAIN_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;
const IPV6_LETTERS = /^[0-9A-Fa-f:.]{2,45}$/;

/**
 * The canonical form of an address literal, or null when it is none. RFC 5952 for IPv6; an IPv4-mapped
 * address becomes the IPv4 address; host names, scope ids and short forms of IPv4 are refused (R15).
 */
export function canonicalAddress(text: string): string | null {
  if (PLAIN_IPV4.test(text)) return text;
  if (!text.includes(':') || !IPV6_LETTERS.test(text) || !ipaddr.IPv6.isValid(text)) return null;
  const parsed = ipaddr.IPv6.parse(text);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toRFC5952String();
}

/** `address:port`, with an IPv6 address in brackets. The address must be canonical. */
export function joinAddressPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Reads `address`, `address:port` or `[ipv6]:port`; the port is `defaultPort` where it is missing. Null when unreadable. */
export function splitAddressPort(text: string, defaultPort: number): { address: string; port: number } | null {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const plain = bracketed ?? /^([^:]+)(?::(\d{1,5}))?$/.exec(text);
  const address = canonicalAddress(plain?.[1] ?? text);
  const port = plain?.[2] === undefined ? defaultPort : Number(plain[2]);
  return address === null || port < 1 || port > 65535 ? null : { address, port };
}

/** A session's KEY: `addr:port-addr:port`, source first, IPv6 in brackets (R19). */
export function sessionKey(sourceAddress: string, sourcePort: number, destAddress: string, destPort: number): string {
  return `${joinAddressPort(sourceAddress, sourcePort)}-${joinAddressPort(destAddress, destPort)}`;
}
