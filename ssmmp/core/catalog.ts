/**
 * The catalog: every message of SSMMP/1.1, every field, every hop, once.
 *
 * Lives here: the table and the types that follow from it. Does not live here: how a message is written
 * or read (codec.ts), what an actor does with it (the actors' dialogues).
 *
 * The table is the single source. The codec walks it, `docs/protocol.md` is printed from it, the fuzzers
 * draw from it, and a test compares it with the specification's list (test/data/messages.json). A field's
 * kind decides both its TypeScript type and how its contents is checked on the wire.
 */

/** What a field holds. The codec has one reader and one writer for each kind. */
export const FIELD_KINDS = {
  agent_network_address: 'address',
  service_repository: 'names',
  status: 'status',
  service_name: 'name',
  service_instance_id: 'id',
  service_instance_network_address: 'address',
  socket_configuration: 'sockets',
  plug_configuration: 'plugs',
  source_service_name: 'name',
  source_service_instance_id: 'id',
  source_service_instance_network_address: 'address',
  source_plug_name: 'plug',
  source_plug_port: 'port',
  dest_service_name: 'name',
  dest_service_instance_id: 'id',
  dest_service_instance_network_address: 'address',
  dest_socket_name: 'name',
  dest_socket_port: 'port',
  dest_socket_new_port: 'port',
} as const;

export type FieldName = keyof typeof FIELD_KINDS;
export type FieldKind = (typeof FIELD_KINDS)[FieldName];

/** One socket of `socket_configuration`: its name and the port the Manager gave it on this node. */
export interface SocketSetting {
  readonly socket: string;
  readonly port: number;
}

/** One plug of `plug_configuration`: its name, the socket it speaks to and the service that has the socket. */
export interface PlugSetting {
  readonly plug: string;
  readonly socket: string;
  readonly service: string;
}

interface KindTypes {
  address: string;
  names: readonly string[];
  status: number;
  name: string;
  plug: string;
  id: number;
  port: number;
  sockets: readonly SocketSetting[];
  plugs: readonly PlugSetting[];
}

/** Who may stand at an end of a hop. */
export type Party = 'Manager' | 'agent' | 'instance';

/** One hop of a message. `subType` is null where the message has no sub_type line (registration and execution). */
export interface Hop {
  readonly subType: string | null;
  readonly from: Party;
  readonly to: Party;
}

interface CatalogRow {
  readonly hops: readonly Hop[];
  readonly fields: readonly FieldName[];
  /** Fields that may be empty or missing: null in memory, an empty contents on the wire (R37, R40). */
  readonly blank: readonly FieldName[];
  readonly response: string | null;
}

const AGENT_TO_MANAGER: Hop = { subType: 'agent_to_Manager', from: 'agent', to: 'Manager' };
const MANAGER_TO_AGENT: Hop = { subType: 'Manager_to_agent', from: 'Manager', to: 'agent' };
const up = (subType: string): readonly Hop[] => [{ subType, from: 'instance', to: 'agent' }, AGENT_TO_MANAGER];
const down = (subType: string): readonly Hop[] => [MANAGER_TO_AGENT, { subType, from: 'agent', to: 'instance' }];
const REQUEST_OF_AGENT: readonly Hop[] = [{ subType: null, from: 'agent', to: 'Manager' }];
const REQUEST_OF_MANAGER: readonly Hop[] = [{ subType: null, from: 'Manager', to: 'agent' }];

/** The 22 messages. Fields stand in the order of the specification: published peers read lines by position. */
export const CATALOG = {
  initiation_request: {
    hops: REQUEST_OF_AGENT,
    fields: ['agent_network_address', 'service_repository'],
    blank: [],
    response: 'initiation_response',
  },
  initiation_response: { hops: REQUEST_OF_MANAGER, fields: ['status'], blank: [], response: null },
  execution_request: {
    hops: REQUEST_OF_MANAGER,
    fields: [
      'agent_network_address',
      'service_name',
      'service_instance_id',
      'socket_configuration',
      'plug_configuration',
    ],
    blank: [],
    response: 'execution_response',
  },
  execution_response: { hops: REQUEST_OF_AGENT, fields: ['status'], blank: [], response: null },
  session_request: {
    hops: up('service_to_agent'),
    fields: [
      'source_service_name',
      'source_service_instance_id',
      'source_service_instance_network_address',
      'source_plug_name',
      'dest_service_name',
      'dest_socket_name',
    ],
    blank: [],
    response: 'session_response',
  },
  session_response: {
    hops: down('agent_to_service'),
    fields: [
      'source_service_name',
      'source_service_instance_id',
      'dest_service_name',
      'dest_service_instance_id',
      'dest_socket_name',
      'dest_service_instance_network_address',
      'dest_socket_port',
      'status',
    ],
    blank: [
      'source_service_name',
      'source_service_instance_id',
      'dest_service_name',
      'dest_service_instance_id',
      'dest_socket_name',
      'dest_service_instance_network_address',
      'dest_socket_port',
    ],
    response: null,
  },
  session_ack: {
    hops: up('service_to_agent'),
    fields: ['source_service_name', 'source_service_instance_id', 'source_plug_port', 'dest_socket_new_port', 'status'],
    blank: ['source_plug_port', 'dest_socket_new_port'],
    response: null,
  },
  source_service_session_close_info: {
    hops: up('source_service_to_agent'),
    fields: [
      'source_service_name',
      'source_service_instance_id',
      'source_service_instance_network_address',
      'source_plug_name',
      'source_plug_port',
      'dest_service_name',
      'dest_service_instance_id',
      'dest_service_instance_network_address',
      'dest_socket_name',
      'dest_socket_port',
      'dest_socket_new_port',
      'status',
    ],
    blank: ['dest_service_instance_id'],
    response: null,
  },
  dest_service_session_close_info: {
    hops: up('dest_service_to_agent'),
    fields: [
      'source_service_instance_network_address',
      'source_plug_name',
      'source_plug_port',
      'dest_service_name',
      'dest_service_instance_network_address',
      'dest_service_instance_id',
      'dest_socket_name',
      'dest_socket_port',
      'dest_socket_new_port',
      'status',
    ],
    blank: ['dest_service_instance_id'],
    response: null,
  },
  source_service_session_close_request: {
    hops: down('agent_to_source_service'),
    fields: [
      'source_service_name',
      'source_service_instance_id',
      'source_service_instance_network_address',
      'source_plug_name',
      'source_plug_port',
      'dest_service_name',
      'dest_service_instance_network_address',
      'dest_socket_name',
      'dest_socket_port',
      'dest_socket_new_port',
    ],
    blank: [],
    response: 'source_service_session_close_response',
  },
  source_service_session_close_response: {
    hops: up('source_service_to_agent'),
    fields: ['status'],
    blank: [],
    response: null,
  },
  dest_service_session_close_request: {
    hops: down('agent_to_dest_service'),
    fields: [
      'dest_service_name',
      'dest_service_instance_id',
      'dest_service_instance_network_address',
      'source_service_instance_network_address',
      'source_plug_name',
      'source_plug_port',
      'dest_socket_name',
      'dest_socket_port',
      'dest_socket_new_port',
    ],
    blank: [],
    response: 'dest_service_session_close_response',
  },
  dest_service_session_close_response: {
    hops: up('dest_service_to_agent'),
    fields: ['status'],
    blank: [],
    response: null,
  },
  graceful_shutdown_request: {
    hops: down('agent_to_service_instance'),
    fields: ['service_name', 'service_instance_id'],
    blank: [],
    response: 'graceful_shutdown_response',
  },
  graceful_shutdown_response: {
    hops: up('service_instance_to_agent'),
    fields: ['status'],
    blank: [],
    response: null,
  },
  hard_shutdown_request: {
    hops: [MANAGER_TO_AGENT],
    fields: ['service_name', 'service_instance_id'],
    blank: [],
    response: 'hard_shutdown_response',
  },
  hard_shutdown_response: {
    hops: [AGENT_TO_MANAGER],
    fields: ['service_instance_id', 'status'],
    blank: [],
    response: null,
  },
  service_instance_termination_info: {
    hops: up('service_instance_to_agent'),
    fields: ['service_name', 'service_instance_id', 'service_instance_network_address'],
    blank: [],
    response: null,
  },
  service_instance_health_request: {
    hops: down('agent_to_service_instance'),
    fields: ['service_instance_id', 'service_instance_network_address'],
    blank: [],
    response: 'service_instance_health_response',
  },
  service_instance_health_response: {
    hops: up('service_instance_to_agent'),
    fields: ['service_instance_id', 'status'],
    blank: [],
    response: null,
  },
  agent_health_control_request: {
    hops: [MANAGER_TO_AGENT],
    fields: ['agent_network_address'],
    blank: [],
    response: 'agent_health_control_response',
  },
  agent_health_control_response: {
    hops: [AGENT_TO_MANAGER],
    fields: ['agent_network_address', 'status'],
    blank: [],
    response: null,
  },
} as const satisfies Record<string, CatalogRow>;

export type MessageType = keyof typeof CATALOG;

type FieldsOf<T extends MessageType> = (typeof CATALOG)[T]['fields'][number];
type BlankOf<T extends MessageType> = (typeof CATALOG)[T]['blank'][number];

/** Lines we add after the specification's own, all named `x_…` (policy of the rulings). Values are plain contents. */
export const EXTENSION_LINES = {
  x_version: 'version of the protocol an agent speaks; absent means 1.1 (R09)',
  x_node: 'random name an agent keeps in its state: the same agent again, or another node at this address (R16, R48)',
  x_running_instances: 'ids of the instances that run under an agent that registers; absent means unknown (R47)',
  x_epoch: 'number of the Manager’s start; an agent refuses a lower one of the same cluster (R51)',
  x_cluster: 'name of the cluster that x_epoch counts in (R51)',
  x_exit: 'how an instance ended: `code 3` or `signal SIGKILL` (R30)',
  x_pid: 'process id of the instance that was started, for operators only',
  x_replicas: 'instances of the destination that are ready: a plug may hold a session to each (R14)',
  x_retry_after: 'milliseconds until a crash-looping service is tried again; in a session_response 503 (R37, R46)',
  x_other_end:
    '`lost`: the node of the other end does not answer, so requests under way on the session are not waited for',
  x_weight: 'part of its requests that a plug gives to this session, in thousandths, where versions have weights',
  x_load: 'load of an instance from 0 to 1 (R45)',
  x_in_flight: 'requests an instance has under way (R45)',
  x_requests: 'requests an instance has answered since it started (R35, R45)',
} as const;

export type ExtensionName = keyof typeof EXTENSION_LINES;
export type Extensions = { readonly [name in ExtensionName]?: string };

/** A message of type T in memory: numbers where the wire has digits, lists where it has lists, null where it may be empty. */
export type Message<T extends MessageType = MessageType> = T extends MessageType
  ? {
      readonly type: T;
      readonly message_id: number;
      /** The hop this message is on; null where the message has no sub_type line. */
      readonly sub_type: string | null;
      readonly x?: Extensions;
    } & { readonly [F in FieldsOf<T>]: KindTypes[(typeof FIELD_KINDS)[F]] | (F extends BlankOf<T> ? null : never) }
  : never;

/** The type of the response to T, or never. */
export type ResponseOf<T extends MessageType> = (typeof CATALOG)[T]['response'];

/** All message types, in the order of the specification. */
export const MESSAGE_TYPES = Object.keys(CATALOG) as MessageType[];

/** Is this word a message type of SSMMP/1.1? */
export function isMessageType(word: string): word is MessageType {
  return Object.hasOwn(CATALOG, word);
}

/** The catalog row of a type, seen as plain data (for code that walks the table). */
export function rowOf(type: MessageType): CatalogRow {
  return CATALOG[type];
}

/**
 * The sub_type line of `type` on the hop from `from` to `to`: null for a message without that line.
 * Undefined when the message never takes that hop.
 */
export function subTypeOn(type: MessageType, from: Party, to: Party): string | null | undefined {
  for (const hop of rowOf(type).hops) if (hop.from === from && hop.to === to) return hop.subType;
  return undefined;
}
