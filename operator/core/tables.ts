/**
 * Lists for people and for programs: `-o table|json|wide|name`.
 *
 * Lives here: the columns of each kind and the four formats. Does not live here: fetching, colours (a style
 * is handed in).
 */
import Table from 'cli-table3';
import { joinAddressPort, sessionKey } from '../../ssmmp/core/address.ts';
import type { GatewayRow, InstanceRow, ListKind, NodeRow, RowsOf, ServiceRow, SessionRow, TimerRow } from './rows.ts';

export type OutputFormat = 'table' | 'json' | 'wide' | 'name';
export const OUTPUT_FORMATS: readonly OutputFormat[] = ['table', 'json', 'wide', 'name'];

/** Colours, or none: each takes a text and gives it back dressed. */
export interface Style {
  readonly heading: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

export const PLAIN_STYLE: Style = { heading: same, good: same, warn: same, bad: same, faint: same };

interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly isWideOnly?: true;
  /** Coloured by what the state means. */
  readonly isState?: true;
}

interface ListShape<Row> {
  readonly columns: readonly Column<Row>[];
  /** What `-o name` prints: what other commands take. */
  readonly name: (row: Row) => string;
}

const NODE_SHAPE: ListShape<NodeRow> = {
  columns: [
    { title: 'NODE', text: (row) => String(row.node) },
    { title: 'ADDRESS', text: (row) => row.agent_network_address },
    { title: 'STATUS', text: nodeStatus, isState: true },
  ],
  name: (row) => row.agent_network_address,
};

const SERVICE_SHAPE: ListShape<ServiceRow> = {
  columns: [
    { title: 'SERVICE', text: (row) => row.service_name },
    { title: 'KIND', text: (row) => row.kind },
    { title: 'DESIRED', text: (row) => String(row.desired) },
    { title: 'RUNNING', text: (row) => String(row.running) },
    { title: 'STATUS', text: (row) => row.status ?? '-', isState: true },
  ],
  name: (row) => row.service_name,
};

const INSTANCE_SHAPE: ListShape<InstanceRow> = {
  columns: [
    { title: 'INSTANCE', text: instanceName },
    { title: 'ADDRESS', text: (row) => row.service_instance_network_address },
    { title: 'NODE', text: (row) => String(row.node ?? '-'), isWideOnly: true },
    { title: 'VERSION', text: (row) => row.version ?? '-', isWideOnly: true },
    { title: 'STATUS', text: (row) => row.status, isState: true },
    { title: 'PID', text: (row) => String(row.pid ?? '-') },
    { title: 'SOCKETS', text: (row) => socketsText(row) || '-', isWideOnly: true },
  ],
  name: instanceName,
};

const SESSION_SHAPE: ListShape<SessionRow> = {
  columns: [
    { title: 'SOURCE', text: (row) => `${row.source_service_name}/${row.source_service_instance_id}` },
    { title: 'PLUG', text: (row) => row.source_plug_name },
    { title: 'SOCKET', text: (row) => row.dest_socket_name },
    { title: 'DESTINATION', text: (row) => `${row.dest_service_name}/${row.dest_service_instance_id}` },
    { title: 'STATUS', text: (row) => row.status, isState: true },
    { title: 'KEY', text: keyOfSession, isWideOnly: true },
  ],
  name: keyOfSession,
};

const GATEWAY_SHAPE: ListShape<GatewayRow> = {
  columns: [
    { title: 'GATEWAY', text: (row) => joinAddressPort(row.address, row.port) },
    { title: 'NAME', text: (row) => row.name ?? '-' },
  ],
  name: (row) => joinAddressPort(row.address, row.port),
};

const TIMER_SHAPE: ListShape<TimerRow> = {
  columns: [
    { title: 'TIMER', text: (row) => row.name },
    { title: 'MS', text: (row) => String(row.ms) },
    { title: 'LAB', text: (row) => String(row.lab_ms), isWideOnly: true },
    { title: 'FACTOR', text: (row) => String(row.factor), isWideOnly: true },
    { title: 'MEANING', text: (row) => row.meaning },
  ],
  name: (row) => row.name,
};

const SHAPES: { readonly [K in ListKind]: ListShape<RowsOf[K]> } = {
  nodes: NODE_SHAPE,
  services: SERVICE_SHAPE,
  instances: INSTANCE_SHAPE,
  sessions: SESSION_SHAPE,
  gateways: GATEWAY_SHAPE,
  timers: TIMER_SHAPE,
};

function nodeStatus(row: NodeRow): string {
  const isHeld = typeof row.held === 'string';
  return `${row.status}${row.cordoned === true ? ', drained' : ''}${isHeld ? ', held' : ''}`;
}

/** `post/5`. */
export function instanceName(row: Pick<InstanceRow, 'service_name' | 'service_instance_id'>): string {
  return `${row.service_name}/${row.service_instance_id}`;
}

/** The KEY of a session: `addr:port-addr:port` (R19). */
export function keyOfSession(row: SessionRow): string {
  return sessionKey(
    row.source_service_instance_network_address,
    row.source_plug_port,
    row.dest_service_instance_network_address,
    row.dest_socket_port,
  );
}

/** `users-socket:54003, …`. */
export function socketsText(row: InstanceRow): string {
  return (row.sockets ?? []).map(({ name, port }) => `${name}:${port}`).join(', ');
}

/** The list in one of the four formats, ended by a newline; JSON is the rows as they came. */
export function renderList<K extends ListKind>(
  kind: K,
  rows: readonly RowsOf[K][],
  format: OutputFormat,
  style: Style,
): string {
  const shape: ListShape<RowsOf[K]> = SHAPES[kind];
  switch (format) {
    case 'json':
      return `${JSON.stringify(rows, null, 2)}\n`;
    case 'name':
      return rows.map((row) => `${shape.name(row)}\n`).join('');
    case 'table':
    case 'wide': {
      const columns = shape.columns.filter((column) => format === 'wide' || column.isWideOnly !== true);
      const titles = columns.map(({ title }) => style.heading(title));
      const cells = rows.map((row) => columns.map((column) => cellOf(column, row, style)));
      return columnsText([titles, ...cells]);
    }
  }
}

/** Rows of cells as aligned columns without borders; wide letters and colours are counted right. */
export function columnsText(rows: readonly (readonly string[])[]): string {
  const none = Object.fromEntries(
    ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
      .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
      .map((part) => [part, '']),
  );
  const table = new Table({
    chars: { ...none, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => [...row]));
  const lines = table.toString().split('\n');
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** A state in the colour of its meaning. */
export function stateText(state: string, style: Style): string {
  if (['registered', 'on', 'open', 'ok'].includes(state)) return style.good(state);
  if (['off', 'lost', 'removed', 'crash-looping', 'killing', 'problem'].includes(state)) return style.bad(state);
  return style.warn(state);
}

function cellOf<Row>(column: Column<Row>, row: Row, style: Style): string {
  const text = column.text(row);
  return column.isState === true ? stateText(text, style) : text;
}

function same(text: string): string {
  return text;
}
