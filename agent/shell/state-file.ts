/**
 * `agent.json`: the little that an agent keeps on disk (R47), readable by people and by `ssmmp kill`.
 *
 * Lives here: its format, reading, writing. Does not live here: what is worth keeping (core/adoption.ts).
 *
 * Written whole beside the old one, which it then replaces, at once: an agent that is killed the next moment
 * finds its children again. The old one is removed first, because ext4 flushes a file that is renamed over another, and
 * that takes milliseconds of somebody's start; killed between the two, the agent finds the new one under its
 * first name. The fsync follows when things are quiet: what it guards against, the fall of the whole machine, ends the
 * children too.
 *
 * In a copy of its folder the children are another agent's: this one has none, and their ids had their process. Who the node is, its
 * cluster and epoch are as true in a copy.
 */
import { closeSync, existsSync, fsync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { copiedFrom, folderMark } from '../../ssmmp/shell/folder-mark.ts';
import type { FolderMark } from '../../ssmmp/shell/folder-mark.ts';
import type { Remembered, RememberedInstance } from '../core/inputs.ts';

/** Quiet for this long: what was written goes to the disk itself. */
const SYNC_WAIT_MS = 500;

export class StateFile {
  readonly #path: string;
  readonly #draft: string;
  /** Null until the first save: asking the system once is enough. */
  #folder: FolderMark | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(path: string) {
    this.#path = path;
    this.#draft = `${path}.new`;
  }

  /** What the last life of this agent kept; null when there was none or it cannot be read. */
  load(): Remembered | null {
    try {
      const text = readFileSync(existsSync(this.#path) ? this.#path : this.#draft, 'utf8');
      const value = JSON.parse(text) as Record<string, unknown>;
      const state = readState(value);
      return state === null || copiedFrom(value['folder'], dirname(this.#path)) === null
        ? state
        : withoutChildren(state);
    } catch {
      return null; // missing, or cut off by the fall of the machine: then it is unknown what runs here
    }
  }

  save(state: Remembered): void {
    this.#folder ??= folderMark(dirname(this.#path));
    const text = JSON.stringify({ folder: this.#folder, ...writeState(state) }, null, 1);
    writeFileSync(this.#draft, `${text}\n`, { mode: 0o600 });
    rmSync(this.#path, { force: true });
    renameSync(this.#draft, this.#path);
    if (this.#timer === null) this.#timer = setTimeout(() => this.#sync(), SYNC_WAIT_MS);
    else this.#timer.refresh();
  }

  /** No fsync is left to come. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #sync(): void {
    this.#timer = null;
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      return; // somebody removed the folder: there is nothing left to keep
    }
    fsync(file, () => closeSync(file));
  }
}

function withoutChildren(state: Remembered): Remembered {
  return { ...state, spent: [...state.spent, ...state.instances.map(({ id }) => id)], instances: [] };
}

function writeState({ node, cluster, epoch, spent, instances }: Remembered): object {
  return {
    x_node: node,
    cluster,
    epoch,
    spent,
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

function readState(value: Record<string, unknown>): Remembered | null {
  const { x_node: node, cluster, epoch, spent, children } = value;
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
    spent: Array.isArray(spent) ? spent.filter((id): id is number => typeof id === 'number') : [],
    instances,
  };
}
