/**
 * The links of a testbed that have, or had, a fault.
 *
 * Lives here: getting a link process between an agent and the Manager, or users and a gateway, and out again. Does not live
 * here: which fault is on (fault-keeper.ts), bytes (faults/).
 *
 * Agents: `manager-link.json` in the agent's folder names a port, SIGUSR2 has the agent connect anew, and it comes that way
 * (decision 0008). Users: `cluster.json` names the link's port in place of the gateway's; connections that stand stay where
 * they are. A link whose last fault is undone passes everything on until its connections end; new ones go past it.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../../faults/core/link-words.ts';
import type { LinkShape } from '../../faults/core/shape.ts';
import type { Decision, HoldRequest } from '../../faults/core/wire.ts';
import { folderMark } from '../../ssmmp/shell/folder-mark.ts';
import { readPidFile } from '../../ssmmp/shell/process-identity.ts';
import { MANAGER_PORT } from '../core/addresses.ts';
import type { PlannedNode } from '../core/cluster-plan.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { GatewayRow } from '../core/rows.ts';
import { LinkProcess } from './link-process.ts';
import type { LinkProcessEvents } from './link-process.ts';
import { stateFiles } from './settings.ts';
import { nodeFolders, signalProcess } from './testbed-processes.ts';

export const LINK_FILE = 'manager-link.json';
/** An agent has this long to come over its new link; one that is down comes later. */
const INSERT_MS_MAX = 3000;

export interface LinkSurroundings {
  readonly stateDir: string;
  readonly managerAddress: string;
  readonly nodes: readonly PlannedNode[];
  /** Before a program that shall run where node n is; empty where all are in one place. */
  enter(node: number): readonly string[];
  /** Where proxies for users listen. */
  readonly userAddress: string | null;
  gateways(): readonly GatewayRow[];
}

interface OpenLink {
  readonly process: LinkProcess;
  readonly place: Place;
  readonly node: number;
  readonly to: 'manager' | 'users';
  /** For users: the gateway behind it. */
  readonly gateway: GatewayRow | null;
}

export class FaultLinks {
  readonly #around: LinkSurroundings;
  readonly #events: LinkProcessEvents;
  readonly #processes = new Map<string, LinkProcess>();
  readonly #links = new Map<string, OpenLink>();
  /** Those that have a fault now. */
  readonly #inUse = new Set<string>();

  constructor(around: LinkSurroundings, events: LinkProcessEvents) {
    this.#around = around;
    this.#events = events;
  }

  /** Has the link between a node and the Manager, or its users, go through the link process. */
  async insert(node: number, to: 'manager' | 'users'): Promise<string> {
    const name = `${to}-${node}`;
    const link = await this.#opened(name, node, to);
    this.#inUse.add(name);
    if (to === 'users') return name;
    const folder = this.#folder(node);
    const draft = join(folder, `${LINK_FILE}.${process.pid}`);
    writeFileSync(
      draft,
      `${JSON.stringify({ ...link.place, ...link.process.identity, folder: folderMark(folder) })}\n`,
    );
    renameSync(draft, join(folder, LINK_FILE));
    // one that came this way before is still there
    if ((await link.process.order({ do: 'await', link: name, waitMs: 0 })) === 1) return name;
    const agent = readPidFile(join(folder, 'agent.pid'));
    if (agent !== null) signalProcess(agent, 'SIGUSR2');
    await link.process.order({ do: 'await', link: name, waitMs: INSERT_MS_MAX });
    return name;
  }

  /** No fault is on the link any more. */
  remove(name: string): void {
    const link = this.#links.get(name);
    if (link === undefined || !this.#inUse.delete(name)) return;
    if (link.to === 'manager') rmSync(join(this.#folder(link.node), LINK_FILE), { force: true });
  }

  async shape(name: string, shape: LinkShape): Promise<void> {
    await this.#links.get(name)?.process.order({ do: 'shape', link: name, shape });
  }

  async cut(name: string, cut: { readonly up: boolean; readonly down: boolean }): Promise<void> {
    await this.#links.get(name)?.process.order({ do: 'cut', link: name, ...cut });
  }

  /** All links of a hold must be of one process, for it counts their messages together. */
  async hold(hold: HoldRequest): Promise<void> {
    for (const process of this.#processesOf(hold.links ?? [])) await process.order({ do: 'hold', hold });
  }

  async decide(id: string, decision: Decision): Promise<void> {
    for (const process of this.#processes.values()) await process.order({ do: 'decide', id, decision });
  }

  async forget(id: string): Promise<void> {
    for (const process of this.#processes.values())
      if (process.isRunning) await process.order({ do: 'forget', id }).catch(() => 0); // it ended: so has the hold
  }

  /** Where users are to connect for this gateway. */
  userPlace(gateway: GatewayRow): GatewayRow {
    for (const [name, link] of this.#links)
      if (this.#inUse.has(name) && link.gateway?.address === gateway.address && link.gateway.port === gateway.port)
        return { ...gateway, ...link.place };
    return gateway;
  }

  place(name: string): Place | null {
    return this.#links.get(name)?.place ?? null;
  }

  end(): void {
    removeLinkFiles(this.#around.stateDir);
    for (const process of this.#processes.values()) process.end();
  }

  async #opened(name: string, node: number, to: 'manager' | 'users'): Promise<OpenLink> {
    const known = this.#links.get(name);
    if (known?.process.isRunning === true) return known;
    const { nodes, managerAddress, userAddress } = this.#around;
    const planned = nodes.find((one) => one.node === node);
    if (planned === undefined) throw noNode(node, nodes);
    const { address } = planned;
    const gateway = to === 'manager' ? null : this.#gatewayAt(node, address);
    const process = this.#process(to === 'manager' ? this.#around.enter(node) : []);
    const far = gateway ?? { address: managerAddress, port: MANAGER_PORT };
    const listen = to === 'manager' ? address : (userAddress ?? address);
    const port = await process.order({
      do: 'open',
      link: name,
      listen,
      to: { address: far.address, port: far.port },
      from: to === 'manager' ? address : userAddress,
      lines: to === 'manager',
    });
    const link: OpenLink = { process, place: { address: listen, port }, node, to, gateway };
    this.#links.set(name, link);
    return link;
  }

  #gatewayAt(node: number, address: string): GatewayRow {
    const gateway = this.#around.gateways().find((row) => row.address === address);
    if (gateway !== undefined) return gateway;
    throw new OperatorError(EXIT.failed, `no gateway runs on node ${node}; \`ssmmp get gateways\` lists them`);
  }

  #process(prefix: readonly string[]): LinkProcess {
    const key = prefix.join(' ');
    const known = this.#processes.get(key);
    if (known?.isRunning === true) return known;
    const process = new LinkProcess(prefix, this.#processes.size + 1, this.#events);
    this.#processes.set(key, process);
    return process;
  }

  #processesOf(names: readonly string[]): Set<LinkProcess> {
    return new Set(names.flatMap((name) => this.#links.get(name)?.process ?? []));
  }

  #folder(node: number): string {
    return join(stateFiles.nodes(this.#around.stateDir), String(node));
  }
}

/** Agents go straight to the Manager from their next connect on. */
export function removeLinkFiles(stateDir: string): void {
  for (const node of nodeFolders(stateDir)) rmSync(join(stateFiles.nodes(stateDir), node, LINK_FILE), { force: true });
}

export function noNode(node: number, nodes: readonly PlannedNode[]): OperatorError {
  const known = nodes.map((one) => one.node).join(', ');
  return new OperatorError(EXIT.failed, `there is no node ${node} here; expected one of ${known}`);
}

export function needsNetns(): OperatorError {
  const message =
    'nodes of this testbed share one network, so nothing can be cut between two nodes: start it with `ssmmp up --netns` ' +
    '(Linux, root), or cut a node from the manager or from users';
  return new OperatorError(EXIT.failed, message);
}

export function noProxyBetweenNodes(): OperatorError {
  const message =
    'only the links to the manager and to users can be slow: instances talk straight to each other, without a proxy';
  return new OperatorError(EXIT.failed, message);
}

export function oneNodeInNetns(): OperatorError {
  return new OperatorError(EXIT.usage, 'with --netns each node has a network of its own: say which with --node N');
}
