/**
 * `agent.json`: the little that an agent keeps on disk (R47), readable by people and by `ssmmp kill`.
 *
 * Lives here: its format, reading, writing. Does not live here: what is worth keeping (core/adoption.ts).
 *
 * Written whole and renamed, at once: an agent that is killed the next moment finds its children again. The
 * fsync follows a little later, off the path of a start; what it guards against, the fall of the whole machine, ends
 * the children too.
 */
import { closeSync, fsync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Remembered, RememberedInstance } from '../core/inputs.ts';

/** Writes of this time share one fsync, in milliseconds. */
const SYNC_WAIT_MS = 50;

export class StateFile {
  readonly #path: string;
  #timer: NodeJS.Timeout | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** What the last life of this agent kept; null when there was none or it cannot be read. */
  load(): Remembered | null {
    try {
      return readState(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch {
      return null; // missing, or cut off by the fall of the machine: then it is unknown what runs here
    }
  }

  save(state: Remembered): void {
    const draft = `${this.#path}.new`;
    writeFileSync(draft, `${JSON.stringify(writeState(state), null, 1)}\n`, { mode: 0o600 });
    renameSync(draft, this.#path);
    this.#timer ??= setTimeout(() => this.#sync(), SYNC_WAIT_MS);
  }

  /** No fsync is left to come. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #sync(): void {
    this.#timer = null;
    const file = openSync(this.#path, 'r');
    fsync(file, () => closeSync(file));
  }
}

function writeState({ node, cluster, epoch, instances }: Remembered): unknown {
  return {
    x_node: node,
    cluster,
    epoch,
    children: instances.map(({ id, service, pid, startTime, sockets, ready, mute }) => ({
      service_name: service,
      service_instance_id: id,
      pid,
      start_time: startTime,
      sockets: sockets.map(({ socket, port }) => ({ name: socket, port })),
      ready,
      mute,
    })),
  };
}

function readState(value: unknown): Remembered | null {
  const { x_node: node, cluster, epoch, children } = value as Record<string, unknown>;
  if (typeof node !== 'string' || !Array.isArray(children)) return null;
  const instances: RememberedInstance[] = [];
  for (const child of children as Record<string, unknown>[]) {
    const { service_name: service, service_instance_id: id, pid, start_time: startTime, sockets } = child;
    if (typeof service !== 'string' || typeof id !== 'number' || typeof pid !== 'number' || pid <= 1) continue;
    instances.push({
      id,
      service,
      pid,
      startTime: typeof startTime === 'string' ? startTime : null,
      sockets: (Array.isArray(sockets) ? (sockets as { name: string; port: number }[]) : []).map(({ name, port }) => ({
        socket: name,
        port,
      })),
      ready: child['ready'] === true,
      mute: child['mute'] === true,
    });
  }
  return {
    node,
    cluster: typeof cluster === 'string' ? cluster : null,
    epoch: typeof epoch === 'number' ? epoch : 0,
    instances,
  };
}
