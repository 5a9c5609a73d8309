/**
 * Network namespaces of a testbed: made, cut with nft, taken away.
 *
 * Lives here: running `ip` and `nft`, and saying in one sentence why they cannot be. Does not live here: names and
 * commands (core/netns-plan.ts), rules (faults/core/cuts.ts).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { nftRules } from '../../faults/core/cuts.ts';
import type { CutRequest } from '../../faults/core/fault.ts';
import { managerAddress, nodeAddress, usersAddress } from '../core/addresses.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { bridgeName, enterNamespace, isNamespaceOf, namespaceName, netnsTag, planNetns } from '../core/netns-plan.ts';

const NAMESPACES = '/run/netns';
const COMMAND_MS_MAX = 5000;

/** Why nodes cannot have network namespaces here, in one sentence; null where they can. */
export function netnsProblem(): string | null {
  const otherwise = 'without --netns nodes are addresses of the loopback interface, on any system and for any user';
  if (process.platform !== 'linux') return `--netns needs Linux, this is ${process.platform}; ${otherwise}`;
  if (process.getuid?.() !== 0) return `--netns needs root, to make network namespaces; ${otherwise}`;
  for (const [program, where] of [
    ['ip', 'iproute2'],
    ['nft', 'nftables'],
    ['nsenter', 'util-linux'],
  ] as const)
    if (spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined)
      return `--netns needs the program ${program} (package ${where}); ${otherwise}`;
  return existsSync('/proc/net/if_inet6') ? null : `--netns needs IPv6, which is switched off here; ${otherwise}`;
}

export class Netns {
  readonly #tag: string;
  readonly #subnet: string;
  readonly #nodes: readonly number[];

  constructor(stateDir: string, subnet: string, nodes: number) {
    this.#tag = netnsTag(stateDir);
    this.#subnet = subnet;
    this.#nodes = Array.from({ length: nodes }, (_, index) => index + 1);
  }

  /** Makes bridge and namespaces. Throws OperatorError with what `ip` said; what was made is gone then. */
  create(): void {
    this.remove(); // what a killed front left
    try {
      for (const args of planNetns(this.#tag, this.#subnet, this.#nodes).setup) command('ip', args);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  remove(): void {
    removeNamespaces(this.#tag);
  }

  readonly enter = (node: number): readonly string[] => enterNamespace(this.#tag, node);

  /** Makes exactly these cuts real. Throws OperatorError with what `nft` said. */
  applyCuts(cuts: readonly CutRequest[]): void {
    const addresses = {
      manager: managerAddress(this.#subnet),
      users: usersAddress(this.#subnet),
      node: (node: number) => nodeAddress(this.#subnet, node),
    };
    for (const node of this.#nodes) {
      const rules = nftRules(node, cuts, addresses);
      command('ip', ['netns', 'exec', namespaceName(this.#tag, node), 'nft', '-f', '-'], rules);
    }
  }
}

/** Takes away what a testbed of this state directory left; nothing where it left nothing. Its processes must have ended. */
export function removeLeftNetns(stateDir: string): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return;
  const tag = netnsTag(stateDir);
  if (namespacesOf(tag).length > 0) removeNamespaces(tag);
}

/** The namespaces last: as long as one is there, the rest is looked for. */
function removeNamespaces(tag: string): void {
  const bridge = bridgeName(tag);
  const links = interfaces().filter((name) => name === bridge || name.startsWith(`${bridge}h`));
  for (const name of links) attempt('ip', ['link', 'del', name]);
  for (const name of namespacesOf(tag)) attempt('ip', ['netns', 'del', name]);
}

function namespacesOf(tag: string): string[] {
  const names = existsSync(NAMESPACES) ? readdirSync(NAMESPACES) : [];
  return names.filter((name) => isNamespaceOf(tag, name));
}

/** Asked of `ip`: /sys shows the network of whoever mounted it. */
function interfaces(): string[] {
  const { stdout } = spawnSync('ip', ['-o', 'link', 'show'], { encoding: 'utf8', timeout: COMMAND_MS_MAX });
  return (stdout ?? '').split('\n').flatMap((line) => /^\d+: ([^:@ ]+)/.exec(line)?.[1] ?? []);
}

function command(program: string, args: readonly string[], input = ''): void {
  const { status, stderr } = attempt(program, args, input);
  if (status === 0) return;
  const said = stderr.trim().split('\n')[0] ?? '';
  throw new OperatorError(EXIT.failed, `\`${program} ${args.join(' ')}\` failed: ${said || `exit code ${status}`}`);
}

function attempt(program: string, args: readonly string[], input = ''): { status: number | null; stderr: string } {
  const { status, stderr, error } = spawnSync(program, args, { input, encoding: 'utf8', timeout: COMMAND_MS_MAX });
  return { status, stderr: error?.message ?? stderr };
}
