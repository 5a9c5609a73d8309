/**
 * One thing and what belongs to it.
 *
 * Lives here: finding what a person named and putting together what is known of it. Does not live here: fetching.
 */
import { parseInstance, parseNode } from './addresses.ts';
import type { Graph } from '../../ssmmp/core/graph.ts';
import type { GatewayRow, InstanceRow, NodeRow, ServiceRow, SessionRow } from './rows.ts';
import { columnsText, instanceName, keyOfSession, socketsText, stateText } from './tables.ts';
import type { Style } from './tables.ts';
import { parseSessionKey } from '../../ssmmp/core/trace.ts';

/** Everything the Manager lists, those that are over included. */
export interface Everything {
  readonly nodes: readonly NodeRow[];
  readonly services: readonly ServiceRow[];
  readonly instances: readonly InstanceRow[];
  readonly sessions: readonly SessionRow[];
  readonly gateways: readonly GatewayRow[];
  readonly graph: Graph;
}

export const DESCRIBED_KINDS = ['node', 'service', 'instance', 'session'] as const;
export type DescribedKind = (typeof DESCRIBED_KINDS)[number];

/** A thing with its neighbours; `-o json` prints it as it is. */
export type Description =
  | {
      readonly kind: 'node';
      readonly node: NodeRow;
      readonly instances: readonly InstanceRow[];
      readonly gateways: readonly GatewayRow[];
    }
  | {
      readonly kind: 'service';
      readonly service: ServiceRow;
      readonly edges: Graph['edges'];
      readonly instances: readonly InstanceRow[];
      readonly sessions: readonly SessionRow[];
    }
  | { readonly kind: 'instance'; readonly instance: InstanceRow; readonly sessions: readonly SessionRow[] }
  | { readonly kind: 'session'; readonly session: SessionRow };

/**
 * What `word` names, tried as session KEY, instance, node, service; `only` restricts it to one kind (a number may
 * be an instance or a node). Null when nothing is called so.
 */
export function describe(word: string, only: DescribedKind | null, all: Everything): Description | null {
  for (const kind of only === null ? (['session', 'instance', 'node', 'service'] as const) : [only]) {
    const found = FINDERS[kind](word, all);
    if (found !== null) return found;
  }
  return null;
}

const FINDERS: Readonly<Record<DescribedKind, (word: string, all: Everything) => Description | null>> = {
  session: (word, all) => {
    const key = parseSessionKey(word);
    // a pair of ports may have been used before (R20): the latest counts
    const session = key === null ? undefined : all.sessions.findLast((row) => keyOfSession(row) === key);
    return session === undefined ? null : { kind: 'session', session };
  },
  instance: (word, all) => {
    const wanted = parseInstance(word);
    const instance = all.instances.find(
      (row) => row.service_instance_id === wanted?.id && row.service_name === (wanted.service ?? row.service_name),
    );
    if (instance === undefined) return null;
    const id = instance.service_instance_id;
    const sessions = all.sessions.filter(
      (row) => row.source_service_instance_id === id || row.dest_service_instance_id === id,
    );
    return { kind: 'instance', instance, sessions };
  },
  node: (word, all) => {
    const wanted = parseNode(word.replace(/^node\//, ''));
    if (wanted === null) return null;
    const node = all.nodes.find((row) =>
      'node' in wanted ? String(row.node) === String(wanted.node) : row.agent_network_address === wanted.address,
    );
    if (node === undefined) return null;
    const { agent_network_address: address, node: number } = node;
    const instances = all.instances.filter((row) =>
      row.node === undefined || row.node === null
        ? row.service_instance_network_address === address
        : row.node === number,
    );
    return { kind: 'node', node, instances, gateways: all.gateways.filter((row) => row.address === address) };
  },
  service: (word, all) => {
    const service = all.services.find((row) => row.service_name === word);
    if (service === undefined) return null;
    return {
      kind: 'service',
      service,
      edges: all.graph.edges.filter(({ source, dest }) => source === word || dest === word),
      instances: all.instances.filter((row) => row.service_name === word),
      sessions: all.sessions.filter((row) => row.source_service_name === word || row.dest_service_name === word),
    };
  },
};

/** The description for people. */
export function describeText(description: Description, style: Style): string {
  switch (description.kind) {
    case 'node': {
      const { node, instances, gateways } = description;
      const rows = [
        ['node', String(node.node)],
        ['address', node.agent_network_address],
        ['status', stateText(node.status, style)],
      ];
      if (gateways.length > 0)
        rows.push(['users connect to', gateways.map(({ address, port }) => `${address}:${port}`).join(', ')]);
      return (
        factsText(rows) +
        listText(
          'instances',
          instances.map((row) => instanceLine(row, style)),
          style,
        )
      );
    }
    case 'service': {
      const { service, edges, instances, sessions } = description;
      const rows = [
        ['service', service.service_name],
        ['kind', service.kind],
        ['desired', String(service.desired)],
        ['running', String(service.running)],
      ];
      const isMine = (name: string): boolean => name === service.service_name;
      const calls = edges
        .filter(({ source }) => isMine(source))
        .map(({ plug, socket, dest }) => [plug, '→', socket, dest]);
      const callers = edges
        .filter(({ dest }) => isMine(dest))
        .map(({ source, plug, socket }) => [source, plug, '→', socket]);
      return [
        factsText(rows),
        listText('plugs', calls, style),
        listText('callers', callers, style),
        listText(
          'instances',
          instances.map((row) => instanceLine(row, style)),
          style,
        ),
        listText(
          'sessions',
          sessions.map((row) => sessionLine(row, style)),
          style,
        ),
      ].join('');
    }
    case 'instance': {
      const { instance, sessions } = description;
      const rows = [
        ['instance', instanceName(instance)],
        ['address', instance.service_instance_network_address],
        ['status', stateText(instance.status, style)],
        ['pid', String(instance.pid ?? '-')],
        ['sockets', socketsText(instance) || '-'],
      ];
      return (
        factsText(rows) +
        listText(
          'sessions',
          sessions.map((row) => sessionLine(row, style)),
          style,
        )
      );
    }
    case 'session': {
      const { session } = description;
      return factsText([
        ['session', keyOfSession(session)],
        ['status', stateText(session.status, style)],
        ['source', `${session.source_service_name}/${session.source_service_instance_id}`],
        ['plug', session.source_plug_name],
        ['socket', session.dest_socket_name],
        ['destination', `${session.dest_service_name}/${session.dest_service_instance_id}`],
      ]);
    }
  }
}

function factsText(rows: readonly (readonly string[])[]): string {
  return columnsText(rows.map(([name = '', value = '']) => [`${name}:`, value]));
}

function listText(title: string, rows: readonly (readonly string[])[], style: Style): string {
  if (rows.length === 0) return '';
  return `\n${style.heading(title)}\n${columnsText(rows).replace(/^(?=.)/gm, '  ')}`;
}

function instanceLine(row: InstanceRow, style: Style): string[] {
  return [instanceName(row), row.service_instance_network_address, stateText(row.status, style), socketsText(row)];
}

function sessionLine(row: SessionRow, style: Style): string[] {
  const ends = [
    `${row.source_service_name}/${row.source_service_instance_id}`,
    '→',
    `${row.dest_service_name}/${row.dest_service_instance_id}`,
  ];
  return [...ends, row.source_plug_name, stateText(row.status, style), keyOfSession(row)];
}
