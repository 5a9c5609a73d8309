/**
 * What others are told of a cluster that runs: cluster.json, kept true.
 *
 * Lives here: when it is written anew, and out of what. Does not live here: its fields (cluster-file.ts), the programs of the
 * cluster (cluster-run.ts).
 *
 * Gateways come and go with their instances, so the Manager's event stream is followed. It breaks when the Manager dies; then the
 * file stays as it is until the next one answers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DNS_PORT } from '../core/addresses.ts';
import type { ClusterPlan } from '../core/cluster-plan.ts';
import type { GatewayRow, NodeRow } from '../core/rows.ts';
import { writeClusterFile } from './cluster-file.ts';
import type { ClusterOptions } from './cluster-file.ts';
import type { OperatorClient } from './operator-client.ts';
import type { Settings } from './settings.ts';
import { stoppedSupervisorText } from './testbed-processes.ts';

/** Changes that come together are written once. */
const REFRESH_DELAY_MS = 200;
/** A Manager that has gone is looked for this often. */
const BACK_POLL_MS = 100;

/** What faults change about what others are told. */
export interface FrontView {
  readonly place: { readonly address: string; readonly port: number };
  /** Where users find this gateway: at its own address, or behind a link that has a fault. */
  userPlace(gateway: GatewayRow): GatewayRow;
}

/** What does not change while it runs. */
export interface ClusterFacts {
  readonly plan: ClusterPlan;
  readonly settings: Settings;
  /** Written down for a take-over. */
  readonly options: ClusterOptions;
}

export class ClusterNotice {
  readonly #facts: ClusterFacts;
  readonly #client: OperatorClient;
  readonly #tell: (line: string) => void;
  #isOver = false;
  #unwatch: (() => void) | null = null;
  #refresh: NodeJS.Timeout | null = null;
  #written = '';
  #nodes: readonly NodeRow[] = [];
  #gateways: readonly GatewayRow[] = [];
  #front: FrontView | null = null;

  constructor(facts: ClusterFacts, client: OperatorClient, tell: (line: string) => void) {
    this.#facts = facts;
    this.#client = client;
    this.#tell = tell;
  }

  /** The gateways as they were last heard of. */
  get gateways(): readonly GatewayRow[] {
    return this.#gateways;
  }

  /** Faults are taken from now on; again whenever they change something for users. */
  showFront(front: FrontView): void {
    this.#front = front;
    if (!this.#isOver) this.write(this.#nodes, this.#gateways);
  }

  /** Writes it where anything is new. While no node is known the planned ones stand there. */
  write(nodes: readonly NodeRow[], gateways: readonly GatewayRow[]): void {
    const { plan, settings, options } = this.#facts;
    this.#nodes = nodes;
    this.#gateways = gateways;
    const front = this.#front;
    const planned = plan.nodes.map(({ node, address }) => ({ node, agent_network_address: address }));
    const file = {
      subnet: settings.subnet,
      manager: plan.managerAddress,
      operator_port: settings.operator.port,
      dns: { address: plan.managerAddress, port: DNS_PORT },
      gateways: front === null ? gateways : gateways.map((row) => front.userPlace(row)),
      nodes:
        nodes.length === 0
          ? planned
          : nodes.map((row) => ({ node: row.node, agent_network_address: row.agent_network_address })),
      pid: process.pid,
      ...(front === null ? {} : { front: front.place }),
      options,
    };
    const text = JSON.stringify(file);
    if (text === this.#written) return;
    this.#written = text;
    writeClusterFile(settings.stateDir, file);
  }

  /** Keeps it true from now on. */
  watch(): void {
    this.#unwatch?.();
    this.#unwatch = this.#client.watch(
      ({ kind }) => /instance|node|agent|manager/.test(kind) && this.#refreshSoon(),
      () => {
        this.#unwatch = null;
        const stopped = stoppedSupervisorText(this.#facts.settings.stateDir);
        this.#tell(`the Manager is gone; ${stopped ?? 'its supervisor starts it again'}`);
        void this.#untilBack();
      },
    );
  }

  /** The cluster is being stopped: nothing is written any more. */
  end(): void {
    this.#isOver = true;
    if (this.#refresh !== null) clearTimeout(this.#refresh);
    this.#unwatch?.();
  }

  /** The stream of events broke: the Manager died. It is watched again once it answers. */
  async #untilBack(): Promise<void> {
    while (!this.#isOver) {
      await sleep(BACK_POLL_MS);
      const gateways = await this.#client.list('gateways').catch(() => null);
      if (gateways === null || this.#isOver) continue;
      this.#tell('the Manager is back');
      this.watch();
      return this.#refreshSoon();
    }
  }

  #refreshSoon(): void {
    this.#refresh ??= setTimeout(() => {
      this.#refresh = null;
      Promise.all([this.#client.list('nodes'), this.#client.list('gateways')]).then(
        ([nodes, gateways]) => this.#isOver || this.write(nodes, gateways),
        () => null, // the Manager is gone again; its return brings us back here
      );
    }, REFRESH_DELAY_MS);
  }
}
