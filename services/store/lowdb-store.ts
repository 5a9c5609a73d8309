/**
 * The default driver: all rows in memory, every commit in an append log that is flushed before the commit is answered,
 * and now and then all rows in one readable JSON file through lowdb. What may not live here: what stands in the files
 * (log-line.ts, data-file.ts), which of them count (recover.ts), who owns them (owner.ts).
 *
 * Theory. lowdb alone rewrites the whole file for every update, does not flush, and loses updates with two writers.
 * Here an update costs one line. Commits that come while a flush is under way go into the next one together (group
 * commit): a disk that flushes in 0.3 ms then takes thousands of commits a second, and one alone waits for one flush.
 * The log is folded into the readable file when it has grown as long as that file, so folding costs a constant share of
 * the writes, and when the store closes. After a failed write nobody can know what of it is in the file; so everything
 * not yet acknowledged is taken back, and the next commit begins a new log file, which recovery believes from there on.
 */

import { DATA_FORMAT, writeDataFile, type DataFile } from './data-file.ts';
import type { AppendFile, Disk } from './disk.ts';
import { encodeLogLine } from './log-line.ts';
import { checkClaim, claim, removeFormerClaims } from './owner.ts';
import { logFileName, recover, supersededBy } from './recover.ts';
import { asStoreError, OWNER_CHECK_MS, StoreError, type Change, type Row, type Store } from './store.ts';
import type { TableSet, Undo } from './tables.ts';

/** A shorter log is not worth folding into the readable file. */
export const LOG_BYTES_BEFORE_FOLD = 4 * 1024 * 1024;

export interface LowdbStoreOptions {
  readonly disk: Disk;
  /** The owner's service_instance_id. */
  readonly epoch: number;
  readonly logBytesBeforeFold?: number;
  /** Told what an operator should know and nobody else is told: a torn end at start, a fold that failed. */
  readonly warn?: (sentence: string) => void;
  /** Called once, before anything is rejected, when another owner has claimed the data: there is nothing left to do. */
  readonly fenced?: (sentence: string) => void;
}

interface Pending {
  readonly text: string;
  readonly undo: Undo;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

/** Claims the folder, reads it, and is its owner. Rejects with StoreError `fenced` or `corrupt`. */
export async function openLowdbStore(options: LowdbStoreOptions): Promise<Store> {
  claim(options.disk, options.epoch);
  const { tables, ...recovered } = await recover(options.disk);
  if (recovered.torn !== null) options.warn?.(recovered.torn);
  await removeFormerClaims(options.disk, options.epoch);
  return new LowdbStore(options, tables, recovered);
}

class LowdbStore implements Store {
  readonly #disk: Disk;
  readonly #epoch: number;
  readonly #warn: (sentence: string) => void;
  readonly #onFenced: (sentence: string) => void;
  readonly #logBytesBeforeFold: number;
  readonly #tables: TableSet;
  #seq: number;
  #dataBytes: number;
  #logBytes: number;
  #log: AppendFile | null = null;
  #logLength = 0;
  #waiting: Pending[] = [];
  #newest: Promise<void> | null = null;
  #flushing: Promise<void> | null = null;
  #folding: Promise<void> | null = null;
  #fenced: StoreError | null = null;
  #closed = false;
  #ownerCheckedMs = -Infinity;

  constructor(
    options: LowdbStoreOptions,
    tables: TableSet,
    recovered: { seq: number; dataBytes: number; logBytes: number },
  ) {
    this.#disk = options.disk;
    this.#epoch = options.epoch;
    this.#warn = options.warn ?? (() => {});
    this.#onFenced = options.fenced ?? (() => {});
    this.#logBytesBeforeFold = options.logBytesBeforeFold ?? LOG_BYTES_BEFORE_FOLD;
    this.#tables = tables;
    this.#seq = recovered.seq;
    this.#dataBytes = recovered.dataBytes;
    this.#logBytes = recovered.logBytes;
  }

  table<R extends Row>(name: string): ReadonlyMap<string, R> {
    return this.#tables.table(name) as ReadonlyMap<string, Row> as ReadonlyMap<string, R>;
  }

  commit(changes: readonly Change[]): Promise<void> {
    if (this.#fenced !== null) return Promise.reject(this.#fenced);
    if (this.#closed) return Promise.reject(new StoreError('closed', 'The store is closed.'));
    let resolve!: () => void;
    let reject!: (error: StoreError) => void;
    const done = new Promise<void>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    const text = JSON.stringify(changes);
    // Rows are kept as they would be read back: a text cut from a request would keep the whole request in memory.
    const undo = this.#tables.apply(JSON.parse(text) as Change[]);
    this.#waiting.push({ text, undo, done, resolve, reject });
    this.#newest = done;
    this.#flushing ??= Promise.resolve().then(() => this.#flush()); // a microtask: what came in one turn goes together
    return done;
  }

  settled(): Promise<void> | null {
    return this.#newest;
  }

  checkOwner(nowMs: number): void {
    if (this.#fenced === null && Math.abs(nowMs - this.#ownerCheckedMs) > OWNER_CHECK_MS) {
      this.#checkClaim();
      this.#ownerCheckedMs = nowMs;
    }
    if (this.#fenced !== null) throw this.#fenced;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushing;
    await this.#folding;
    this.#endLog();
    if (this.#fenced === null && this.#logBytes > 0) await this.#fold(this.#tables.copy(), this.#seq);
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const seq = this.#seq + 1;
      // The tables hold this batch and nothing later just now: the moment to copy them.
      const toFold = this.#isFoldDue() ? this.#tables.copy() : null;
      try {
        const line = encodeLogLine(
          seq,
          batch.map((pending) => pending.text),
        );
        this.#log ??= this.#beginLog(seq);
        await this.#log.append(line);
        this.#logLength += line.length;
        this.#logBytes += line.length;
        this.#checkClaim(); // after the flush and before any answer: R50
      } catch (error) {
        this.#takeBack(batch, asStoreError(error, this.#disk.folder));
        continue;
      }
      this.#seq = seq;
      if (batch.at(-1)!.done === this.#newest) this.#newest = null;
      for (const pending of batch) pending.resolve();
      if (toFold !== null) {
        this.#endLog(); // what comes next begins a file that the fold leaves standing
        this.#folding = this.#fold(toFold, seq).finally(() => (this.#folding = null));
      }
    }
    this.#flushing = null;
  }

  /** The batch failed, and all that waits was decided on it. */
  #takeBack(batch: readonly Pending[], error: StoreError): void {
    const all = [...batch, ...this.#waiting];
    this.#waiting = [];
    this.#newest = null;
    for (let at = all.length - 1; at >= 0; at -= 1) this.#tables.undo(all[at]!.undo);
    if (error.kind !== 'fenced') this.#cutLog();
    for (const pending of all) pending.reject(error);
  }

  #beginLog(first: number): AppendFile {
    this.#logLength = 0;
    return this.#disk.openAppend(logFileName(this.#epoch, first));
  }

  /** Takes what a failed write left out of the file. When the disk refuses that too, the next file's name says it. */
  #cutLog(): void {
    const log = this.#log;
    if (log === null) return;
    try {
      log.cut(this.#logLength);
      this.#endLog();
    } catch (error) {
      this.#warn(`${this.#disk.folder}: could not cut the log after a failed write: ${String(error)}`);
      this.#endLog();
      this.#beginLogNow();
    }
  }

  /** What stands in the old file from here on is not believed once a new one begins here, so not at the next commit. */
  #beginLogNow(): void {
    try {
      this.#log = this.#beginLog(this.#seq + 1);
    } catch (error) {
      this.#warn(`${this.#disk.folder}: could not begin a new log after a failed write: ${String(error)}`);
    }
  }

  #endLog(): void {
    try {
      this.#log?.close();
    } catch (error) {
      this.#warn(`${this.#disk.folder}: could not close a log file: ${String(error)}`);
    }
    this.#log = null;
  }

  #isFoldDue(): boolean {
    return this.#folding === null && this.#logBytes >= Math.max(this.#logBytesBeforeFold, this.#dataBytes);
  }

  /** Never rejects: without a fold the log only stays longer. */
  async #fold(tables: Record<string, Row[]>, seq: number): Promise<void> {
    const folded = this.#logBytes;
    const data: DataFile = { format: DATA_FORMAT, epoch: this.#epoch, seq, tables };
    try {
      this.#checkClaim(); // one that is fenced writes nothing, not even a file that nobody would read
      this.#dataBytes = await writeDataFile(this.#disk, data);
      this.#logBytes -= folded;
      this.#checkClaim(); // a later owner may be reading the old files: then they stay
      for (const name of supersededBy(this.#disk.list(), data)) await this.#disk.remove(name);
    } catch (error) {
      this.#dataBytes = Math.max(this.#dataBytes, this.#logBytes * 2); // not at once again
      this.#warn(`${this.#disk.folder}: the log could not be folded into a data file: ${String(error)}`);
    }
  }

  #checkClaim(): void {
    try {
      checkClaim(this.#disk, this.#epoch);
    } catch (error) {
      if (this.#fenced === null && error instanceof StoreError && error.kind === 'fenced') {
        this.#fenced = error;
        this.#onFenced(error.message);
      }
      throw error;
    }
  }
}
