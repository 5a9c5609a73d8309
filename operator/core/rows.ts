/**
 * What the Manager's operator port lists, as data.
 *
 * Lives here: the fields of each kind, in the specification's names, and which rows are over. Does not live
 * here: columns of a table (tables.ts).
 */

export interface NodeRow {
  readonly agent_network_address: string;
  readonly node: number | string;
  readonly status: string;
  /** It was drained: nothing is started there. */
  readonly cordoned?: boolean;
  /** Why it is not replaced though it is away. */
  readonly held?: string | null;
}

export interface ServiceRow {
  readonly service_name: string;
  readonly kind: string;
  readonly desired: number;
  readonly running: number;
  /** `on`, `starting`, `crash-looping`. */
  readonly status?: string;
}

export interface InstanceRow {
  readonly service_name: string;
  readonly service_instance_id: number;
  readonly service_instance_network_address: string;
  /** The number of its node, where the Manager tells; nodes may share an address (R16). */
  readonly node?: number | string | null;
  /** Null where its service has no versions. */
  readonly version?: string | null;
  readonly status: string;
  readonly pid?: number | null;
  readonly sockets?: readonly { readonly name: string; readonly port: number }[];
}

export interface SessionRow {
  readonly source_service_name: string;
  readonly source_service_instance_id: number;
  readonly source_service_instance_network_address: string;
  readonly source_plug_name: string;
  readonly source_plug_port: number;
  readonly dest_service_name: string;
  readonly dest_service_instance_id: number;
  readonly dest_service_instance_network_address: string;
  readonly dest_socket_name: string;
  readonly dest_socket_port: number;
  readonly dest_socket_new_port: number;
  readonly status: string;
}

export interface GatewayRow {
  readonly address: string;
  readonly port: number;
  /** The canonical DNS name; null where the graph has no alias. */
  readonly name: string | null;
}

export interface TimerRow {
  readonly name: string;
  readonly ms: number;
  readonly preset: string;
  readonly preset_ms: number;
  readonly lab_ms: number;
  readonly factor: number;
  readonly meaning: string;
}

export interface RowsOf {
  readonly nodes: NodeRow;
  readonly services: ServiceRow;
  readonly instances: InstanceRow;
  readonly sessions: SessionRow;
  readonly gateways: GatewayRow;
  readonly timers: TimerRow;
}

export type ListKind = keyof RowsOf;
export const LIST_KINDS: readonly ListKind[] = ['nodes', 'services', 'instances', 'sessions', 'gateways', 'timers'];

/** States in which a thing is over; such rows are listed with `--all` only. */
const OVER: Readonly<Partial<Record<ListKind, readonly string[]>>> = {
  nodes: ['removed'],
  instances: ['off'],
  sessions: ['closed'],
};

/** Without those that are over. */
export function liveRows<K extends ListKind>(kind: K, rows: readonly RowsOf[K][]): readonly RowsOf[K][] {
  const over: readonly string[] = OVER[kind] ?? [];
  return rows.filter((row) => !over.includes(String((row as { status?: unknown }).status)));
}
