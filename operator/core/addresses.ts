/**
 * Where the actors of a cluster live, and how a person names them.
 *
 * Lives here: addresses that follow from a subnet, and reading INSTANCE and NODE arguments. Does not live
 * here: finding out which addresses a machine has.
 */
import { canonicalAddress } from '../../ssmmp/core/address.ts';

export const DEFAULT_SUBNET = '127.0.0';
/** Manager's port for agents, agent's port for instances, DNS, operator port. */
export const MANAGER_PORT = 55555;
export const AGENT_PORT = 55556;
export const DNS_PORT = 55557;
export const OPERATOR_PORT = 55570;
/** Where nodes share an address, agent n listens on this port plus n - 1 (R16). */
export const SHARED_AGENT_PORT_FIRST = 55560;
/** Most nodes of one testbed: addresses .11 to .250, and ten where they share an address. */
export const NODES_MAX = 240;
export const SHARED_NODES_MAX = 10;
/** The address that every host has. */
export const COMMON_ADDRESS = '127.0.0.1';
const FIRST_NODE_OCTET = 11;

/** Where nodes have network namespaces (`ssmmp up --netns`). */
export const NETNS_SUBNET = 'fd55::';

/** Is this three octets such as 127.0.7, or an IPv6 prefix such as fd55::? */
export function isSubnet(text: string): boolean {
  if (isPrefix6(text)) return canonicalAddress(`${text}1`) === `${text}1`;
  return /^\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(text) && canonicalAddress(`${text}.1`) !== null;
}

/** A subnet of IPv6, which testbeds in network namespaces have. */
export function isPrefix6(subnet: string): boolean {
  return subnet.endsWith('::');
}

export function managerAddress(subnet: string): string {
  return memberOf(subnet, 1);
}

/** Where users of a testbed in network namespaces come from: another address than the Manager's, so that cuts can tell them apart. */
export function usersAddress(subnet: string): string {
  return memberOf(subnet, 2);
}

/** The address of node n, counted from 1. */
export function nodeAddress(subnet: string, node: number): string {
  return memberOf(subnet, FIRST_NODE_OCTET + node - 1);
}

/** The number of the node at an address of the subnet, or null. */
export function nodeNumber(subnet: string, address: string): number | null {
  const start = isPrefix6(subnet) ? subnet : `${subnet}.`;
  const octet = address.startsWith(start) ? Number(address.slice(start.length)) : Number.NaN;
  const node = octet - FIRST_NODE_OCTET + 1;
  return Number.isInteger(node) && node >= 1 && node <= NODES_MAX ? node : null;
}

/** INSTANCE as a person writes it: an id or `service/id`. Null when it is neither. */
export function parseInstance(text: string): { service: string | null; id: number } | null {
  const match = /^(?:([A-Za-z0-9][A-Za-z0-9_.-]{0,63})\/)?([1-9]\d{0,15})$/.exec(text);
  return match === null ? null : { service: match[1] ?? null, id: Number(match[2]) };
}

/** NODE as a person writes it: its address or its number. Null when it is neither. */
export function parseNode(text: string): { node: number } | { address: string } | null {
  if (/^[1-9]\d{0,3}$/.test(text)) return { node: Number(text) };
  const address = canonicalAddress(text);
  return address === null ? null : { address };
}

/** `127.0.7.11`, `fd55::11`: the number is written in the same digits in both. */
function memberOf(subnet: string, number: number): string {
  return isPrefix6(subnet) ? `${subnet}${number}` : `${subnet}.${number}`;
}
