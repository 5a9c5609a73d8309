/**
 * Cuts between network namespaces, as rules for nft.
 *
 * Lives here: the text of the rules of one node, from all cuts that are on. Does not live here: running nft.
 *
 * Each node drops packets in its own namespace, on the way in and on the way out; nothing stands on the host. A cut of A and B
 * is written at A alone: A neither gets what B sends nor lets out what it sends to B. Packets are dropped without a word,
 * which is what a cut cable does.
 */
import type { CutRequest } from './fault.ts';

export interface CutAddresses {
  readonly manager: string;
  readonly users: string;
  node(node: number): string;
}

/** The whole table of a node's namespace; it takes the place of what was there in one step. */
export function nftRules(node: number, cuts: readonly CutRequest[], addresses: CutAddresses): string {
  const mine = cuts.filter((cut) => cut.node === node);
  const own = addresses.node(node);
  const dropped = (way: 'saddr' | 'daddr', oneWay: 'from-node' | 'to-node'): string[] =>
    mine
      .filter((cut) => cut.oneWay === null || cut.oneWay === oneWay)
      .map(({ peer }) => {
        // the node goes on talking with itself
        if (peer === 'all') return `ip6 ${way} != { ::1, ${own}, fe80::/10, ff02::/16 } drop`;
        const other = peer === 'manager' || peer === 'users' ? addresses[peer] : addresses.node(peer.node);
        return `ip6 ${way} ${other} drop`;
      });
  return [
    'table inet ssmmp {}',
    'delete table inet ssmmp',
    'table inet ssmmp {',
    '  chain incoming { type filter hook input priority 0;',
    ...dropped('saddr', 'to-node').map((rule) => `    ${rule}`),
    '  }',
    '  chain outgoing { type filter hook output priority 0;',
    ...dropped('daddr', 'from-node').map((rule) => `    ${rule}`),
    '  }',
    '}',
    '',
  ].join('\n');
}
