/**
 * What `ssmmp up` tells when a user can be served.
 *
 * Lives here: that text. Does not live here: finding anything out.
 */
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import { shellWord } from './shell-word.ts';
import { columnsText, stateText } from './tables.ts';
import type { Style } from './tables.ts';
import type { GatewayRow, NodeRow } from './rows.ts';

export interface ServedCluster {
  readonly cnapp: string;
  readonly subnet: string;
  readonly stateDir: string;
  /** Both as defaults, in the folder where the commands would be typed: then they need no flags. */
  readonly isDefault: boolean;
  /** Is it the reference CNApp, which `cnapp` speaks with? */
  readonly isSocialMedia: boolean;
  readonly isDetached: boolean;
  readonly nodes: readonly NodeRow[];
  readonly gateways: readonly GatewayRow[];
  readonly operator: string;
  readonly startedMs: number;
}

/** Nodes, gateway, the next three commands. */
export function servedText(cluster: ServedCluster, style: Style): string {
  const gateways = cluster.gateways.map(({ address, port }) => joinAddressPort(address, port));
  const rows = [
    ...cluster.nodes.map((row) => ['node', String(row.node), row.agent_network_address, stateText(row.status, style)]),
    ...gateways.map((address) => ['gateway', '', address, 'users connect here']),
    ['operator', '', cluster.operator, `state in ${cluster.stateDir}`],
  ];
  const seconds = (cluster.startedMs / 1000).toFixed(1);
  const flags = cluster.isDefault ? '' : ` --gateway ${gateways[0] ?? ''}`;
  const clusterFlags = cluster.isDefault
    ? ''
    : ` --subnet ${cluster.subnet} --state-dir ${shellWord(cluster.stateDir)}`;
  const commands = cluster.isSocialMedia
    ? [`npx cnapp register alice${flags}`, `npx cnapp login alice${flags}`, `npx cnapp send-post "Hello"${flags}`]
    : [`npx ssmmp get instances${clusterFlags}`, `npx ssmmp graph${clusterFlags}`, `npx ssmmp trace${clusterFlags}`];
  const ending = cluster.isDetached ? `npx ssmmp down${clusterFlags}  stops everything.` : 'Ctrl-C stops everything.';
  return [
    `${style.good('ready')}: ${cluster.cnapp} is served, after ${seconds} s`,
    '',
    columnsText(rows).trimEnd().replace(/^/gm, '  '),
    '',
    'Next, in another terminal:',
    ...commands.map((command) => `  ${style.heading(command)}`),
    '',
    ending,
    '',
  ].join('\n');
}
