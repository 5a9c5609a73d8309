/**
 * What `ssmmp up` starts: programs, arguments, addresses, ports.
 *
 * Lives here: the plan as data. Does not live here: starting anything.
 */
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import type { TimerPreset } from '../../ssmmp/core/timers.ts';
import {
  AGENT_PORT,
  COMMON_ADDRESS,
  DNS_PORT,
  MANAGER_PORT,
  managerAddress,
  nodeAddress,
  OPERATOR_PORT,
  SHARED_AGENT_PORT_FIRST,
} from './addresses.ts';

export interface ClusterChoices {
  readonly subnet: string;
  readonly nodes: number;
  /** Nodes share one address, because the host has one loopback address only (R16). */
  readonly isShared: boolean;
  /** Absolute paths. */
  readonly stateDir: string;
  readonly graphFile: string;
  readonly repositoryFile: string;
  /** Where the supervisor keeps its copy of the Manager's journal; null for its default. */
  readonly mirror?: string | null;
  /** Where manager.js, supervisor.js and agent.js are. */
  readonly distDir: string;
  /** Ports that users connect to, from the graph. */
  readonly publicPorts: readonly number[];
  readonly isStrict: boolean;
  readonly timerScale: number;
  readonly timerPreset: TimerPreset;
  /** Network namespaces: what comes before a program of that node. Absent where all nodes are in one place. */
  readonly enter?: (node: number) => readonly string[];
}

/** One program. `stateDir` holds its pid file; its log goes to `logFile`. */
export interface PlannedProgram {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** A program that starts it where its node is; empty: as it is. */
  readonly enter: readonly string[];
  readonly stateDir: string;
  readonly pidFile: string;
  readonly logFile: string;
}

export interface PlannedNode {
  readonly node: number;
  readonly address: string;
  readonly port: number;
}

export interface ClusterPlan {
  readonly managerAddress: string;
  readonly nodes: readonly PlannedNode[];
  /** Started by its supervisor. */
  readonly manager: PlannedProgram;
  readonly supervisor: PlannedProgram;
  readonly agents: readonly PlannedProgram[];
  /** Every address and port that must be free, with the reason. */
  readonly ports: readonly { readonly address: string; readonly port: number; readonly use: string }[];
}

/** The whole plan. `join` puts parts of a path together (the core knows no path separator). */
export function planCluster(choices: ClusterChoices, join: (...parts: string[]) => string): ClusterPlan {
  const { subnet, stateDir, isShared } = choices;
  const manager = isShared ? COMMON_ADDRESS : managerAddress(subnet);
  const nodes = Array.from({ length: choices.nodes }, (_, index): PlannedNode => {
    const node = index + 1;
    const address = isShared ? COMMON_ADDRESS : nodeAddress(subnet, node);
    return { node, address, port: isShared ? SHARED_AGENT_PORT_FIRST + index : AGENT_PORT };
  });
  const shared = isShared ? ['--shared-address'] : [];
  const extra = choices.isStrict ? ['--strict-1.1'] : [];
  const preset = choices.timerPreset === 'lab' ? [] : ['--timers', choices.timerPreset];
  const factor = choices.timerScale === 1 ? [] : ['--timer-scale', String(choices.timerScale)];
  const scale = [...preset, ...factor];
  const managerProgram: PlannedProgram = {
    name: 'manager',
    file: join(choices.distDir, 'manager.js'),
    args: [
      ...['--graph', choices.graphFile, '--address', manager, '--state-dir', stateDir],
      ...shared,
      ...extra,
      ...scale,
    ],
    enter: [],
    stateDir,
    pidFile: join(stateDir, 'manager.pid'),
    logFile: join(stateDir, 'manager.log'),
  };
  const place = ['--state-dir', stateDir, '--operator', joinAddressPort(manager, OPERATOR_PORT)];
  const mirror = choices.mirror === undefined || choices.mirror === null ? [] : ['--mirror', choices.mirror];
  const nodePorts = [
    ...nodes.map(({ node, address, port }) => ({ address, port, use: `the agent of node ${node}` })),
    ...[...new Set(nodes.map(({ address }) => address))].flatMap((address) =>
      choices.publicPorts.map((port) => ({ address, port, use: 'the gateway' })),
    ),
  ];
  return {
    managerAddress: manager,
    nodes,
    manager: managerProgram,
    supervisor: {
      name: 'supervisor',
      file: join(choices.distDir, 'supervisor.js'),
      args: [...place, '--manager', managerProgram.file, ...mirror, ...factor, '--', ...managerProgram.args],
      enter: [],
      stateDir,
      pidFile: join(stateDir, 'supervisor.pid'),
      logFile: join(stateDir, 'supervisor.log'),
    },
    agents: nodes.map(({ node, address, port }) => {
      const folder = join(stateDir, 'nodes', String(node));
      const place = ['--address', address, '--manager', joinAddressPort(manager, MANAGER_PORT), '--port', String(port)];
      return {
        name: `agent ${node}`,
        file: join(choices.distDir, 'agent.js'),
        args: [...place, '--repository', choices.repositoryFile, '--state-dir', folder, ...shared, ...extra, ...scale],
        enter: choices.enter?.(node) ?? [],
        stateDir: folder,
        pidFile: join(folder, 'agent.pid'),
        logFile: join(folder, 'agent.log'),
      };
    }),
    ports: [
      { address: manager, port: MANAGER_PORT, use: 'the Manager' },
      { address: manager, port: OPERATOR_PORT, use: 'the operator port' },
      { address: manager, port: DNS_PORT, use: 'the DNS' },
      ...(choices.enter === undefined ? nodePorts : []), // a namespace of its own is empty
    ],
  };
}
