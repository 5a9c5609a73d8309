/**
 * Which events belong to a command that is under way.
 *
 * Lives here: the choice. Does not live here: the stream, printing. A command knows the services, nodes and instances it
 * is about; instances and sessions that come on the way are learned from the events themselves.
 */
import type { OperatorEvent } from './event-text.ts';
import type { InstanceRow, SessionRow } from './rows.ts';
import { keyOfSession } from './tables.ts';

export class Progress {
  readonly #services: Set<string>;
  readonly #nodes: Set<string>;
  readonly #instances = new Set<unknown>();
  readonly #sessions = new Set<unknown>();

  /** What the command is about: names of services, addresses of nodes. */
  constructor(services: readonly string[], nodes: readonly string[] = []) {
    this.#services = new Set(services);
    this.#nodes = new Set(nodes);
  }

  /** What runs before the command: the instances it is about, and the sessions that end at them. */
  begin(instances: readonly InstanceRow[], sessions: readonly SessionRow[]): void {
    for (const row of instances) if (this.#isMine(row)) this.#instances.add(row.service_instance_id);
    for (const row of sessions)
      if (this.#instances.has(row.source_service_instance_id) || this.#instances.has(row.dest_service_instance_id))
        this.#sessions.add(keyOfSession(row));
  }

  /** Does an event belong? Learns from those that do. */
  belongs(event: OperatorEvent): boolean {
    const data = event.data ?? {};
    switch (event.kind) {
      case 'agent':
      case 'command':
      case 'service':
        return this.#isMine(data) || this.#instances.has(data['service_instance_id']) || 'changes' in data;
      case 'instance':
        if (!this.#isMine(data) && !this.#instances.has(data['service_instance_id'])) return false;
        this.#instances.add(data['service_instance_id']);
        return true;
      case 'session': {
        const ends = [data['source_service_instance_id'], data['dest_service_instance_id']];
        if (!this.#sessions.has(data['session']) && !ends.some((id) => this.#instances.has(id))) return false;
        this.#sessions.add(data['session']);
        return true;
      }
      default:
        return false;
    }
  }

  #isMine(row: {
    readonly service_name?: unknown;
    readonly agent_network_address?: unknown;
    readonly service_instance_network_address?: unknown;
  }): boolean {
    const address = row.agent_network_address ?? row.service_instance_network_address;
    return this.#services.has(String(row.service_name)) || this.#nodes.has(String(address));
  }
}
