/**
 * A disk in memory that remembers what a power cut may take: everything that was not flushed.
 *
 * Lives here: the calls of JournalFs on one flat folder, and the worlds that may be left after a cut. Does not live here:
 * any expectation. A file's flushed bytes stay; of those behind, the cut keeps all, none, some of the first, or zeros of
 * the right length (as file systems do that grow a file before they write it). Names change in the order they were changed,
 * and any number of the last changes may be lost until the folder is flushed. A process that is killed is the mildest cut:
 * it keeps everything.
 */
import type { JournalFs } from '../../../ssmmp/shell/journal-segments.ts';

/** A file: its bytes, and what of them has reached the disk. */
interface Inode {
  bytes: Buffer;
  flushed: Buffer;
}

type Names = ReadonlyMap<string, Inode>;

/** What is left of files that were not flushed. */
export const LEFTOVERS = ['all', 'none', 'half', 'zeros'] as const;
export type Leftover = (typeof LEFTOVERS)[number];

/** Files by name, as the next process finds them. */
export type World = ReadonlyMap<string, Buffer>;

export class CrashDisk {
  /** How many calls changed something. */
  changes = 0;
  /** Called after each call that changed something (the first time: after the first). Throw to crash the program there. */
  changed: (what: string) => void = () => {};
  private names = new Map<string, Inode>();
  /** The folder as it was at each change of a name since the folder was flushed; the first is what was flushed. */
  private folders: Names[] = [new Map()];
  private readonly open = new Map<number, Inode | 'folder'>();
  private nextFd = 100;

  constructor(world: World = new Map()) {
    for (const [name, bytes] of world) this.names.set(name, { bytes: Buffer.from(bytes), flushed: Buffer.from(bytes) });
    this.folders = [new Map(this.names)];
  }

  /** Every world that a cut at this moment may leave, without repetitions. */
  worlds(): World[] {
    const seen = new Map<string, World>();
    for (const names of this.folders)
      for (const leftover of LEFTOVERS) {
        const world = new Map([...names].map(([name, inode]) => [name, leftOf(inode, leftover)]));
        seen.set([...world].map(([name, bytes]) => `${name}\0${bytes.toString('latin1')}`).join('\0'), world);
      }
    return [...seen.values()];
  }

  /** What a process that is killed now leaves. */
  world(): World {
    return new Map([...this.names].map(([name, { bytes }]) => [name, Buffer.from(bytes)]));
  }

  /** As the journal wants it. */
  get fs(): JournalFs {
    const fs = {
      mkdirSync: () => undefined,
      readdirSync: () => [...this.names.keys()],
      openSync: (path: string, flags: string) => this.openFile(path, flags),
      closeSync: (fd: number) => void this.open.delete(fd),
      fstatSync: (fd: number) => ({ size: this.file(fd).bytes.length }),
      statSync: (path: string) => ({ size: this.named(path).bytes.length }),
      readSync: (fd: number, to: Buffer, offset: number, length: number, position: number) =>
        this.file(fd).bytes.copy(to, offset, position, position + length),
      writeSync: (fd: number, from: Buffer, offset = 0, length = from.length - offset) => {
        const file = this.file(fd);
        file.bytes = Buffer.concat([file.bytes, from.subarray(offset, offset + length)]);
        this.change('write');
        return length;
      },
      ftruncateSync: (fd: number, length: number) => {
        const file = this.file(fd);
        file.bytes = Buffer.from(file.bytes.subarray(0, length));
        this.change('truncate');
      },
      fsyncSync: (fd: number) => this.flush(fd),
      fsync: (fd: number, done: (error: Error | null) => void) => this.later(() => this.flush(fd), done),
      fdatasync: (fd: number, done: (error: Error | null) => void) => this.later(() => this.flush(fd), done),
      renameSync: (from: string, to: string) => {
        const inode = this.named(from);
        this.names.delete(nameOf(from));
        this.names.set(nameOf(to), inode);
        this.rename(`rename ${nameOf(to)}`);
      },
      rmSync: (path: string) => {
        if (this.names.delete(nameOf(path))) this.rename(`remove ${nameOf(path)}`);
      },
      copyFileSync: () => {
        throw new Error('not used');
      },
    };
    return fs as unknown as JournalFs;
  }

  private openFile(path: string, flags: string): number {
    const name = nameOf(path);
    const fd = (this.nextFd += 1);
    if (flags === 'r' && !this.names.has(name)) {
      this.open.set(fd, 'folder');
      return fd;
    }
    const known = this.names.get(name);
    const inode = known ?? { bytes: Buffer.alloc(0), flushed: Buffer.alloc(0) };
    if (flags === 'w') inode.bytes = Buffer.alloc(0);
    this.open.set(fd, inode);
    if (known === undefined) {
      this.names.set(name, inode);
      this.rename(`create ${name}`);
    } else if (flags === 'w') this.change('empty');
    return fd;
  }

  private later(work: () => void, done: (error: Error | null) => void): void {
    queueMicrotask(() => {
      try {
        work();
      } catch (error) {
        return done(error as Error);
      }
      done(null);
    });
  }

  private flush(fd: number): void {
    const open = this.open.get(fd);
    if (open === 'folder') this.folders = [new Map(this.names)];
    else if (open !== undefined) open.flushed = Buffer.from(open.bytes);
    this.change('flush');
  }

  private rename(what: string): void {
    this.folders.push(new Map(this.names));
    this.change(what);
  }

  private change(what: string): void {
    this.changes += 1;
    this.changed(what);
  }

  private file(fd: number): Inode {
    const inode = this.open.get(fd);
    if (inode === undefined || inode === 'folder') throw new Error(`no file is open as ${fd}`);
    return inode;
  }

  private named(path: string): Inode {
    const inode = this.names.get(nameOf(path));
    if (inode === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return inode;
  }
}

function leftOf({ bytes, flushed }: Inode, leftover: Leftover): Buffer {
  const same = bytes.length >= flushed.length && bytes.subarray(0, flushed.length).equals(flushed);
  // Cut or written anew and not flushed: the cut may have got lost.
  if (!same) return leftover === 'all' ? bytes : flushed;
  const behind = bytes.length - flushed.length;
  switch (leftover) {
    case 'all':
      return bytes;
    case 'none':
      return flushed;
    case 'half':
      return bytes.subarray(0, flushed.length + (behind >> 1));
    case 'zeros':
      return Buffer.concat([flushed, Buffer.alloc(behind)]);
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
