/**
 * The directories of the stores, on a disk that every node reaches, and what an owner of one does (R50).
 *
 * Lives here: a small model of services/store: claims, files named by their owner's epoch, writes that are durable only
 * after a flush, and the look at the claims before an answer. Does not live here: what is asked of a store (data-path.ts).
 *
 * An owner claims before it reads what was written before it; it writes a file of its own that begins with what it read;
 * after each flush, and before it answers, it looks whether somebody claimed after it. An operation's result is its
 * place in the store's history, so that one applied twice, or answered differently, is seen.
 */
import type { World } from './world.ts';

/** A store's results lie above its number times this, so that a result tells its store. */
export const RESULTS_PER_STORE = 1_000_000;

interface OwnerFile {
  /** What the owner found when it began; null until that is on disk. */
  base: ReadonlyMap<number, number> | null;
  /** Operations of its own that are on disk, with their results. */
  readonly durable: Map<number, number>;
}

export interface Directory {
  readonly claims: number[];
  readonly files: Map<number, OwnerFile>;
}

export class SharedDisk {
  readonly directories = new Map<string, Directory>();
  /** How often any of them was claimed. */
  claims = 0;

  directory(service: string): Directory {
    let directory = this.directories.get(service);
    if (directory === undefined) {
      directory = { claims: [], files: new Map() };
      this.directories.set(service, directory);
    }
    return directory;
  }

  /** What a reader finds now: the newest file that is whole. */
  read(service: string): Map<number, number> {
    const { files } = this.directory(service);
    const found = new Map<number, number>();
    for (const epoch of [...files.keys()].sort((a, b) => b - a)) {
      const { base, durable } = files.get(epoch) as OwnerFile;
      if (base === null) continue;
      for (const [operation, result] of base) found.set(operation, result);
      for (const [operation, result] of durable) found.set(operation, result);
      return found;
    }
    return found;
  }
}

/** What one process of a store knows. */
export class StoreOwner {
  readonly service: string;
  readonly epoch: number;
  private readonly world: World;
  private readonly pid: number;
  private table = new Map<number, number>();
  private readonly unsynced = new Map<number, number>();
  private nextResult: number;
  private isSyncing = false;
  private queued: number[] = [];

  constructor(world: World, service: string, epoch: number, pid: number) {
    this.world = world;
    this.service = service;
    this.epoch = epoch;
    this.pid = pid;
    this.nextResult = world.storeNumber(service) * RESULTS_PER_STORE + 1;
  }

  /** Claims, then reads; false when somebody later has the directory, or this epoch was claimed already. */
  claim(): boolean {
    const directory = this.world.shared.directory(this.service);
    if (directory.claims.some((epoch) => epoch >= this.epoch)) return false;
    directory.claims.push(this.epoch);
    this.world.shared.claims += 1;
    this.table = this.world.shared.read(this.service);
    for (const result of this.table.values()) this.nextResult = Math.max(this.nextResult, result + 1);
    directory.files.set(this.epoch, { base: new Map(this.table), durable: new Map() });
    return true;
  }

  /** The result of an operation that is done, or null: it is being written, and `store_synced` follows. */
  apply(operation: number): number | null {
    const known = this.table.get(operation);
    if (known !== undefined) return known;
    if (this.unsynced.has(operation)) return null;
    this.unsynced.set(operation, this.nextResult);
    this.nextResult += 1;
    this.queued.push(operation);
    this.sync();
    return null;
  }

  /** Results of operations that are on disk now; null when this owner may answer nothing any more. */
  synced(operations: readonly number[]): [operation: number, result: number][] | null {
    this.isSyncing = false;
    const directory = this.world.shared.directory(this.service);
    const file = directory.files.get(this.epoch);
    const results: [number, number][] = [];
    for (const operation of operations) {
      const result = this.unsynced.get(operation) ?? 0;
      file?.durable.set(operation, result);
      this.unsynced.delete(operation);
      this.table.set(operation, result);
      results.push([operation, result]);
    }
    if (directory.claims.some((epoch) => epoch > this.epoch)) return null;
    if (this.queued.length > 0) this.sync();
    return results;
  }

  private sync(): void {
    if (this.isSyncing) return;
    this.isSyncing = true;
    const operations = this.queued.splice(0);
    this.world.after(this.world.diskWaitUs(), { kind: 'store_synced', process: this.pid, operations });
  }
}
