/**
 * Where gateways are: literals as they stand, names looked up in a DNS, one gateway at a time.
 *
 * Theory. The Manager's DNS names one gateway an answer, the next one with every question, and forgets a gateway the moment
 * it drains. So nothing is kept from one connection to the next: who needs another gateway asks again until one comes that
 * was not tried yet. Only when the DNS itself does not answer (the Manager starts again) are gateways tried that it named
 * before: they serve users without the Manager.
 */
import { Resolver } from 'node:dns/promises';
import type { DnsPlace, GatewayAddress } from '../core/gateways.ts';
import { formatGateway, isLiteral } from '../core/gateways.ts';

/** A DNS that does not answer within this time is asked once more, and waited for twice as long. */
export const DNS_TRY_MS = 500;
const DNS_TRIES = 2;
/** So many answers that say nothing new: then there is nothing new. Others ask too, so one is no proof. */
export const STALE_ANSWERS_MAX = 3;
/** Gateways remembered for the time in which the DNS does not answer. */
const KNOWN_MAX = 16;

export interface GatewayFinder {
  /** Where it looks, in words. */
  readonly places: string;
  /**
   * A gateway that is not among `tried` (written by formatGateway); null when all were tried. Rejects with a sentence when
   * none is known.
   */
  find(tried: ReadonlySet<string>): Promise<GatewayAddress | null>;
  /** Ends what is under way, which then rejects. */
  close(): void;
}

/** Finds the gateways that `list` gives, which is asked anew each time. Without a DNS, names are left to the machine. */
export function finderOf(list: () => readonly GatewayAddress[], dns: DnsPlace | null): GatewayFinder {
  return new Finder(list, dns);
}

class Finder implements GatewayFinder {
  readonly #list: () => readonly GatewayAddress[];
  readonly #dns: DnsPlace | null;
  readonly #resolver: Resolver | null = null;
  /** The last ones the DNS named, by formatGateway. */
  readonly #known = new Map<string, GatewayAddress>();

  constructor(list: () => readonly GatewayAddress[], dns: DnsPlace | null) {
    this.#list = list;
    this.#dns = dns;
    if (dns === null) return;
    this.#resolver = new Resolver({ timeout: DNS_TRY_MS, tries: DNS_TRIES });
    this.#resolver.setServers([this.#server]);
  }

  get places(): string {
    const targets = this.#list();
    const hasNames = targets.some(({ host }) => !isLiteral(host));
    return targets.map(formatGateway).join(', ') + (this.#dns !== null && hasNames ? ` (DNS ${this.#server})` : '');
  }

  async find(tried: ReadonlySet<string>): Promise<GatewayAddress | null> {
    let failure: Error | null = null;
    let isAnyKnown = false;
    for (const target of this.#list()) {
      try {
        const gateway = isLiteral(target.host) ? untried(target, tried) : await this.#lookUp(target, tried);
        if (gateway !== null) return gateway;
        isAnyKnown = true;
      } catch (error) {
        failure ??= error as Error;
      }
    }
    if (failure !== null && !isAnyKnown) throw failure;
    return null;
  }

  close(): void {
    this.#resolver?.cancel();
  }

  get #server(): string {
    return this.#dns === null ? '' : formatGateway({ host: this.#dns.address, port: this.#dns.port });
  }

  /** As `find`, for one name. */
  async #lookUp(target: GatewayAddress, tried: ReadonlySet<string>): Promise<GatewayAddress | null> {
    const resolver = this.#resolver;
    if (resolver === null) return untried(target, tried);
    try {
      const { gateway, isNamed } = await this.#ask(resolver, target, tried);
      if (gateway !== null || isNamed) return gateway;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ECANCELLED') throw error;
      for (const known of this.#known.values()) if (untried(known, tried) !== null) return known;
      if (this.#known.size > 0) return null;
      if (this.#dns?.isGuess === true) return untried(target, tried);
      throw new Error(`the DNS at ${this.#server} does not answer (${code})`, { cause: error });
    }
    if (this.#dns?.isGuess === true) return untried(target, tried);
    throw new Error(`the DNS at ${this.#server} knows no gateway of the name ${target.host}`);
  }

  /** Asks until an address comes that was not tried; `isNamed`: there are addresses at all. */
  async #ask(
    resolver: Resolver,
    { host, port }: GatewayAddress,
    tried: ReadonlySet<string>,
  ): Promise<{ gateway: GatewayAddress | null; isNamed: boolean }> {
    const seen = new Set<string>();
    for (const resolve of [() => resolver.resolve4(host), () => resolver.resolve6(host)]) {
      for (let stale = 0; stale < STALE_ANSWERS_MAX;) {
        const addresses = await orNone(resolve());
        if (addresses.length === 0) break;
        const fresh = addresses.filter((address) => !seen.has(address));
        for (const address of fresh) {
          seen.add(address);
          const gateway = { host: address, port };
          this.#remember(gateway);
          if (untried(gateway, tried) !== null) return { gateway, isNamed: true };
        }
        if (fresh.length === 0) stale += 1;
      }
    }
    return { gateway: null, isNamed: seen.size > 0 };
  }

  #remember(gateway: GatewayAddress): void {
    const key = formatGateway(gateway);
    this.#known.delete(key);
    this.#known.set(key, gateway);
    if (this.#known.size > KNOWN_MAX) for (const oldest of this.#known.keys()) if (this.#known.delete(oldest)) break;
  }
}

function untried(gateway: GatewayAddress, tried: ReadonlySet<string>): GatewayAddress | null {
  return tried.has(formatGateway(gateway)) ? null : gateway;
}

/** No such name, or none of that family, is an answer too: no addresses. */
async function orNone(asked: Promise<string[]>): Promise<string[]> {
  try {
    return await asked;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
    throw error;
  }
}
