/**
 * A testbed in network namespaces: names, addresses, and the commands that make it.
 *
 * Lives here: the plan as data. Does not live here: running `ip`. Linux and root only.
 *
 *   host (or the namespace the front is in)          node n
 *   bridge ssm<tag>:  fd55::1  the Manager           eth0: fd55::<10+n>, lo
 *                     fd55::2  users                 agent and instances
 *         └── ssm<tag>h<n> ──────── veth ────────────┘
 *
 * Manager and users are on the host's side and have an address each, so that a cut can tell them apart: the Manager's is
 * deprecated (preferred_lft 0), so what does not choose an address, as users do not, comes from the other one.
 *
 * Every name holds a tag made from the state directory: whatever a killed front leaves, the next `ssmmp up` or `ssmmp down`
 * finds by its name.
 */
import { managerAddress, nodeAddress, usersAddress } from './addresses.ts';

const PREFIX_BITS = 64;

export interface NetnsPlan {
  readonly bridge: string;
  readonly subnet: string;
  /** Arguments of `ip`, in order. */
  readonly setup: readonly (readonly string[])[];
}

/** Six letters that stand for a state directory (FNV-1a). */
export function netnsTag(stateDir: string): string {
  let hash = 0x811c9dc5;
  for (const letter of stateDir) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0').slice(0, 6);
}

/** The bridge; names of interfaces have at most 15 letters. */
export function bridgeName(tag: string): string {
  return `ssm${tag}`;
}

export function namespaceName(tag: string, node: number): string {
  return `ssmmp-${tag}-${node}`;
}

/** Does a namespace belong to the testbed with this tag? */
export function isNamespaceOf(tag: string, name: string): boolean {
  return name.startsWith(`ssmmp-${tag}-`);
}

/** What comes before a program that shall run in a node's namespace; it becomes that program, with the same pid. */
export function enterNamespace(tag: string, node: number): readonly string[] {
  return ['nsenter', `--net=/run/netns/${namespaceName(tag, node)}`, '--'];
}

export function planNetns(tag: string, subnet: string, nodes: readonly number[]): NetnsPlan {
  const bridge = bridgeName(tag);
  const forNode = (node: number): string[][] => {
    const name = namespaceName(tag, node);
    const host = `${bridge}h${node}`;
    return [
      ['netns', 'add', name],
      ['link', 'add', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name],
      ['link', 'set', host, 'master', bridge, 'up'],
      ['-n', name, 'link', 'set', 'lo', 'up'],
      ['-n', name, 'addr', 'add', `${nodeAddress(subnet, node)}/${PREFIX_BITS}`, 'dev', 'eth0', 'nodad'],
      ['-n', name, 'link', 'set', 'eth0', 'up'],
    ];
  };
  return {
    bridge,
    subnet,
    setup: [
      ['link', 'add', bridge, 'type', 'bridge'],
      ['addr', 'add', `${usersAddress(subnet)}/${PREFIX_BITS}`, 'dev', bridge, 'nodad'],
      ['addr', 'add', `${managerAddress(subnet)}/${PREFIX_BITS}`, 'dev', bridge, 'nodad', 'preferred_lft', '0'],
      ['link', 'set', bridge, 'up'],
      ...nodes.flatMap(forNode),
    ],
  };
}
