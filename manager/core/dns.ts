/**
 * The names under which users find gateways (R23).
 *
 * Lives here: which names there are, and what is answered to a question. Does not live here: packets, sockets.
 *
 * Theory. The graph's alias, `gateway.social-media.test`, is a name in the zone `social-media.test`, whose only records are:
 *
 *     gateway.social-media.test          CNAME  one of the canonical names, the next one with each question
 *     api-gateway-7.social-media.test    A or AAAA  the address of that instance
 *     social-media.test                  SOA  which tells resolvers how long "there is no such name" holds
 *
 * Nothing is stored: an answer is made from the state, so a record comes when its instance is on and goes in the moment it
 * drains. Nobody may keep an answer for more than a second. Other names of the zone do not exist (NXDOMAIN); a name
 * that exists, but not with the type asked for, is an empty answer (NODATA).
 */
import type { Instance, ManagerState } from './state.ts';

/** How long an answer may be kept, "no such name" included. */
export const TTL_SECONDS = 1;
/** Limits of DNS itself. */
const LABEL_CHARACTERS_MAX = 63;
const NAME_CHARACTERS_MAX = 253;
/** What a secondary server would go by; there is none. */
const REFRESH_SECONDS = 60;
const RETRY_SECONDS = 10;
const EXPIRE_SECONDS = 60;
const SERIALS = 2 ** 32;

export interface DnsHost {
  /** The canonical name of a gateway instance. */
  readonly name: string;
  readonly type: 'A' | 'AAAA';
  readonly address: string;
}

/** Everything there is to know for an answer. */
export interface DnsZone {
  readonly alias: string;
  /** The alias without its first label. */
  readonly domain: string;
  /** Grows with every change of the Manager's state that its history tells of. */
  readonly serial: number;
  readonly hosts: readonly DnsHost[];
}

export type DnsRecord =
  | { readonly name: string; readonly type: 'A' | 'AAAA' | 'CNAME'; readonly data: string }
  | { readonly name: string; readonly type: 'SOA'; readonly data: DnsSoa };

export interface DnsSoa {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

/** Every answer is authoritative; every record holds for TTL_SECONDS. */
export interface DnsAnswer {
  readonly code: 'NOERROR' | 'NXDOMAIN';
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
}

/**
 * Whose turn it is. A, AAAA and other questions count on their own: a client that always asks for A and AAAA together
 * would else be given the same one of two gateways for ever.
 */
export interface DnsRotation {
  A: number;
  AAAA: number;
  other: number;
}

export function newRotation(): DnsRotation {
  return { A: 0, AAAA: 0, other: 0 };
}

/** The gateway instances a user can connect to: those that are on, or whose agent is out of contact; none that drains. */
export function usableGateways(state: ManagerState): Instance[] {
  const usable: Instance[] = [];
  for (const { name, kind } of state.graph.services) {
    if (kind !== 'gateway') continue;
    for (const id of state.services.get(name)?.live ?? []) {
      const instance = state.instances.get(id);
      if (instance?.status === 'on' || instance?.status === 'unknown') usable.push(instance);
    }
  }
  return usable;
}

/** The canonical name of a gateway instance, `<service>-<id>.<domain of the alias>`; null where the graph has no alias. */
export function canonicalName(alias: string | null, service: string, id: number): string | null {
  return alias === null ? null : `${service}-${id}.${domainOf(alias)}`;
}

/** The names as they are now; null where the graph has no alias. A service whose name DNS cannot hold has none. */
export function dnsZone(state: ManagerState): DnsZone | null {
  const { alias } = state.graph;
  if (alias === null) return null;
  const hosts = usableGateways(state).flatMap(({ service, id, address }): DnsHost[] => {
    const name = canonicalName(alias, service, id) ?? '';
    return isDnsName(name) ? [{ name, type: address.includes(':') ? 'AAAA' : 'A', address }] : [];
  });
  return { alias, domain: domainOf(alias), serial: state.nextEvent % SERIALS, hosts };
}

/**
 * Answers one question of class IN. `name` without a dot at its end; `type` in capitals. Changes `rotation` where the
 * alias is asked for. Records are named as the question spells them. Never throws.
 */
export function answerQuestion(zone: DnsZone | null, name: string, type: string, rotation: DnsRotation): DnsAnswer {
  if (zone === null) return { code: 'NXDOMAIN', answers: [], authorities: [] };
  const asked = lowerCase(name);
  const domain = lowerCase(zone.domain);
  // First, because an alias of a single label is its own domain.
  if (asked === lowerCase(zone.alias) && zone.hosts.length > 0) return aliasAnswer(zone, name, type, rotation);
  const host = zone.hosts.find((candidate) => lowerCase(candidate.name) === asked);
  if (host !== undefined) return found(zone, isWanted(host.type, type) ? [addressOf(host, name)] : []);
  if (asked === domain) return found(zone, isWanted('SOA', type) ? [soaOf(zone, name)] : []);
  // A name of a name above it, such as b.example where there is a-1.b.example, exists and has no record.
  if (asked.endsWith(`.${domain}`) && zone.hosts.some((candidate) => lowerCase(candidate.name).endsWith(`.${asked}`)))
    return found(zone, []);
  // For a name of another zone we have no SOA to give; without one nobody keeps the answer.
  const isOurs = asked.endsWith(`.${domain}`);
  return { code: 'NXDOMAIN', answers: [], authorities: isOurs ? [soaOf(zone, zone.domain)] : [] };
}

/** One CNAME and, where it is of the family asked for, its address. */
function aliasAnswer(zone: DnsZone, name: string, type: string, rotation: DnsRotation): DnsAnswer {
  const ofFamily = zone.hosts.filter((host) => host.type === type);
  const choices = ofFamily.length > 0 ? ofFamily : zone.hosts;
  const counter = type === 'A' || type === 'AAAA' ? type : 'other';
  const host = choices[rotation[counter] % choices.length] as DnsHost;
  rotation[counter] = (rotation[counter] + 1) % Number.MAX_SAFE_INTEGER;
  const cname: DnsRecord = { name, type: 'CNAME', data: host.name };
  if (isWanted('CNAME', type)) return found(zone, [cname]);
  const isComplete = host.type === type;
  return {
    code: 'NOERROR',
    answers: isComplete ? [cname, addressOf(host, host.name)] : [cname],
    authorities: isComplete ? [] : [soaOf(zone, zone.domain)],
  };
}

function found(zone: DnsZone, answers: readonly DnsRecord[]): DnsAnswer {
  return { code: 'NOERROR', answers, authorities: answers.length > 0 ? [] : [soaOf(zone, zone.domain)] };
}

function isWanted(type: string, asked: string): boolean {
  return asked === type || asked === 'ANY';
}

function addressOf(host: DnsHost, name: string): DnsRecord {
  return { name, type: host.type, data: host.address };
}

function soaOf({ domain, serial }: DnsZone, name: string): DnsRecord {
  const [refresh, retry, expire, minimum] = [REFRESH_SECONDS, RETRY_SECONDS, EXPIRE_SECONDS, TTL_SECONDS];
  const data = { mname: domain, rname: `hostmaster.${domain}`, serial, refresh, retry, expire, minimum };
  return { name, type: 'SOA', data };
}

/** `gateway.social-media.test` lies in `social-media.test`. */
function domainOf(alias: string): string {
  const dot = alias.indexOf('.');
  return dot === -1 ? alias : alias.slice(dot + 1);
}

function isDnsName(name: string): boolean {
  const isLabel = (label: string): boolean => label.length >= 1 && label.length <= LABEL_CHARACTERS_MAX;
  return name.length <= NAME_CHARACTERS_MAX && name.split('.').every(isLabel);
}

/** DNS compares A to Z without case, and nothing else. */
function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
