/**
 * The durable journal of a machine: a JournalWriter (driver.ts) on files.
 *
 * Lives here: appending, group commit, flushing, rotation, old segments. Does not live here: reading it back
 * (journal-recovery.ts for the state, journal-history.ts for people), the line format (journal-line.ts).
 *
 * `append` writes into memory; `commit` hands all of it to the system in one write, and to the disk with one
 * fdatasync where a step asks for it. The write is synchronous: it is a copy into the page cache (a few
 * microseconds), cheaper than a trip to another thread. A failed write or flush is final: what is on the disk is
 * unknown then, so nothing is ever written again. When a segment has its size, the next one is begun within a commit,
 * when everything appended belongs to the old one, with the machine's state of that moment as its header.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import type { JournalHeader } from '../machine/journal.ts';
import type { Machine, Stamped } from '../machine/machine.ts';
import type { JournalWriter } from './driver.ts';
import { readHistory, type HistoryOptions, type HistoryPart } from './journal-history.ts';
import { asciiJson, lineBytes, writeLine } from './journal-line.ts';
import { cutEnd, recoverJournal, removeDrafts, type JournalRefusal } from './journal-recovery.ts';
import { listSegments, segmentName, syncFolder, type JournalFs } from './journal-segments.ts';

/**
 * A segment of this size is followed by another. Small, because a start reads all of the newest: 4 MiB are some 9,000 records,
 * a tenth of a second, whatever the length of the journal.
 */
export const SEGMENT_BYTES = 4 * 1024 * 1024;
/** … but not before its records are this many times its header, so that large states are not written all the time. */
export const SEGMENT_HEADER_FACTOR = 8;
/** Old segments are kept up to this sum; the one before the newest always. */
export const HISTORY_BYTES = 512 * 1024 * 1024;
/** Memory for lines not yet written, to begin with. */
const BUFFER_BYTES = 64 * 1024;

export interface JournalOptions<State, Input extends Stamped, Effect> {
  /** Made when it is missing. Holds nothing else. */
  readonly folder: string;
  readonly machine: Machine<State, Input, Effect>;
  /** The state before the first record of a new journal. */
  initial(): State;
  /** Written into each header for readers of the history; a little JSON. */
  mark?(state: State): unknown;
  /** A record as ASCII JSON `{"n":…,"in":…,"out":[…]}`, where the actor can do that faster. */
  encode?(n: number, input: Input, effects: readonly Effect[]): string;
  /** False: never wait for the disk (benches only). */
  readonly flush?: boolean;
  readonly segmentBytes?: number;
  readonly historyBytes?: number;
  readonly disk?: JournalFs;
  /** After each commit: how long it took, and whether it waited for the disk. */
  committed?(ms: number, flushed: boolean): void;
}

export type OpenedJournal<State, Input extends Stamped, Effect> =
  | {
      readonly ok: true;
      readonly journal: JournalFile<State, Input, Effect>;
      /** The recovered state, or the initial one. The journal reads it again at each rotation. */
      readonly state: State;
      /** No journal was there. */
      readonly isNew: boolean;
      readonly replayed: number;
      /** Time of the last input; clocks start no earlier. */
      readonly lastAt: number;
      /** Sentences for the log: a torn end that was cut, a damaged header that was got around. */
      readonly warnings: readonly string[];
    }
  | JournalRefusal;

/**
 * Opens the journal of a folder and reads its state back, or begins one. Refuses damage with a sentence (journal-recovery.ts);
 * throws where the disk itself fails.
 */
export function openJournal<State, Input extends Stamped, Effect>(
  options: JournalOptions<State, Input, Effect>,
): OpenedJournal<State, Input, Effect> {
  const disk = options.disk ?? fs;
  disk.mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  removeDrafts(disk, options.folder);
  const recovery = recoverJournal(options.machine, { folder: options.folder, disk });
  if (!recovery.ok) return recovery;
  const warnings = [...recovery.warnings];
  if (recovery.torn !== null) {
    const { segment, offset, bytes } = recovery.torn;
    const copy = cutEnd(disk, options.folder, recovery.torn);
    warnings.push(`${segment.name} ended in ${bytes} bytes that are no record; cut at ${offset}, copy in ${copy}`);
  }
  const state = recovery.state ?? options.initial();
  const { nextRecord, replayed, lastAt, newest } = recovery;
  const journal = new JournalFile(options, disk, state, nextRecord, lastAt);
  if (newest === null || recovery.warnings.length > 0) journal.begin();
  else journal.goOn(newest.segment.path, newest.bytes, newest.headerBytes);
  return { ok: true, journal, state, isNew: recovery.state === null, replayed, lastAt, warnings };
}

export class JournalFile<State, Input extends Stamped, Effect> implements JournalWriter {
  private readonly options: JournalOptions<State, Input, Effect>;
  private readonly disk: JournalFs;
  private readonly state: State;
  private nextRecord: number;
  private lastAt: number;
  private fd = -1;
  private writtenBytes = 0;
  private headerBytes = 0;
  private buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  private filled = 0;
  private failure: Error | null = null;
  private committing = false;

  /** Use openJournal. */
  constructor(
    options: JournalOptions<State, Input, Effect>,
    disk: JournalFs,
    state: State,
    nextRecord: number,
    lastAt: number,
  ) {
    this.options = options;
    this.disk = disk;
    this.state = state;
    this.nextRecord = nextRecord;
    this.lastAt = lastAt;
  }

  /** Number of the record that comes next. */
  get next(): number {
    return this.nextRecord;
  }

  get unwrittenBytes(): number {
    return this.filled;
  }

  append(input: Stamped, effects: readonly unknown[]): void {
    const { encode } = this.options;
    const n = this.nextRecord;
    const json =
      encode === undefined
        ? asciiJson({ n, in: input, out: effects })
        : encode(n, input as Input, effects as readonly Effect[]);
    this.reserve(lineBytes(json));
    this.filled = writeLine(this.buffer, this.filled, json);
    this.nextRecord = n + 1;
    this.lastAt = input.at;
  }

  commit(flush: boolean): Promise<void> | undefined {
    const from = performance.now();
    if (this.committing) throw new Error('a commit of the journal is under way');
    if (this.failure !== null) throw this.failure;
    try {
      this.write();
    } catch (error) {
      throw this.fail(error);
    }
    const rotates = this.writtenBytes >= this.rotateAt();
    const waits = rotates || (flush && this.options.flush !== false);
    if (!waits) {
      this.options.committed?.(performance.now() - from, false);
      return undefined;
    }
    this.committing = true;
    return this.toDisk(rotates).then(
      () => {
        this.committing = false;
        this.options.committed?.(performance.now() - from, true);
      },
      (error: unknown) => {
        this.committing = false;
        throw this.fail(error);
      },
    );
  }

  /** Writes and flushes what was appended and closes the file. No commit may be under way. */
  async close(): Promise<void> {
    if (this.failure === null && this.fd !== -1) await this.commit(true);
    if (this.fd !== -1) this.disk.closeSync(this.fd);
    this.fd = -1;
    this.failure ??= new Error('the journal is closed');
  }

  /** Closes the file without a word after a failure: what is in it is what recovery will find. */
  abandon(): void {
    if (this.fd !== -1) this.disk.closeSync(this.fd);
    this.fd = -1;
    this.failure ??= new Error('the journal is closed');
  }

  /** The records of all kept segments, oldest first, lazily, up to what is written now. */
  history(options: Omit<HistoryOptions, 'folder' | 'disk'> = {}): AsyncGenerator<HistoryPart, void, void> {
    return readHistory({ ...options, folder: this.options.folder, disk: this.disk });
  }

  /** Begins a segment with the present state; everything appended must be written. Synchronous: for starts. */
  begin(): void {
    const draft = this.draft();
    this.disk.fsyncSync(draft.fd);
    this.adopt(draft);
    syncFolder(this.disk, this.options.folder);
    this.dropOld();
  }

  /** Goes on in a segment that recovery found sound up to `bytes`. */
  goOn(path: string, bytes: number, headerBytes: number): void {
    this.fd = this.disk.openSync(path, 'a');
    this.writtenBytes = bytes;
    this.headerBytes = headerBytes;
  }

  private write(): void {
    let at = 0;
    while (at < this.filled) at += this.disk.writeSync(this.fd, this.buffer, at, this.filled - at);
    this.writtenBytes += this.filled;
    this.filled = 0;
    if (this.buffer.length > 16 * BUFFER_BYTES) this.buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  private async toDisk(rotates: boolean): Promise<void> {
    // The state is read here, before the first await: later inputs change it.
    const draft = rotates ? this.draft() : null;
    if (this.options.flush !== false) await done((callback) => this.disk.fdatasync(this.fd, callback));
    if (draft === null) return;
    await done((callback) => this.disk.fsync(draft.fd, callback));
    this.adopt(draft);
    syncFolder(this.disk, this.options.folder);
    this.dropOld();
  }

  private rotateAt(): number {
    return Math.max(this.options.segmentBytes ?? SEGMENT_BYTES, (SEGMENT_HEADER_FACTOR + 1) * this.headerBytes);
  }

  /** Writes the header of the next segment under a name that recovery ignores. */
  private draft(): Draft {
    const { machine, mark, folder } = this.options;
    const header: JournalHeader = {
      format: 'ssmmp-journal',
      formatVersion: 1,
      machine: machine.name,
      machineVersion: machine.version,
      firstRecord: this.nextRecord,
      at: this.lastAt,
      mark: mark?.(this.state) ?? null,
      state: machine.save(this.state),
    };
    const json = asciiJson(header);
    const line = Buffer.allocUnsafe(lineBytes(json));
    writeLine(line, 0, json);
    const path = join(folder, segmentName(this.nextRecord));
    const fd = this.disk.openSync(`${path}.tmp`, 'w');
    try {
      for (let at = 0; at < line.length;) at += this.disk.writeSync(fd, line, at, line.length - at);
    } catch (error) {
      // On a full disk it would take the room of what matters.
      this.disk.closeSync(fd);
      this.disk.rmSync(`${path}.tmp`, { force: true });
      throw error;
    }
    return { fd, path, bytes: line.length };
  }

  private adopt(draft: Draft): void {
    this.disk.renameSync(`${draft.path}.tmp`, draft.path);
    if (this.fd !== -1) this.disk.closeSync(this.fd);
    this.fd = draft.fd;
    this.writtenBytes = draft.bytes;
    this.headerBytes = draft.bytes;
  }

  private dropOld(): void {
    const segments = listSegments(this.disk, this.options.folder).reverse();
    let bytes = 0;
    segments.forEach(({ path }, index) => {
      bytes += this.disk.statSync(path).size;
      if (index > 1 && bytes > (this.options.historyBytes ?? HISTORY_BYTES)) this.disk.rmSync(path, { force: true });
    });
  }

  private reserve(bytes: number): void {
    if (this.filled + bytes <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, this.filled + bytes));
    this.buffer.copy(larger, 0, 0, this.filled);
    this.buffer = larger;
  }

  private fail(error: unknown): Error {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
    return this.failure;
  }
}

interface Draft {
  readonly fd: number;
  readonly path: string;
  readonly bytes: number;
}

function done(start: (callback: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error === null ? resolve() : reject(error))));
}
