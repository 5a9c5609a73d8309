/**
 * A disk in memory for the tests of the stores: it can be full, fail, or stop in the middle of any step, and keeps then
 * what a real one may keep. Every call that changes something is a step; `fault` is asked before each.
 */
import type { AppendFile, Disk } from '../../../services/store/disk.ts';

export type Step = { readonly op: 'create' | 'open' | 'append' | 'replace' | 'remove' | 'cut'; readonly name: string };
/** What happens at a step: an error with this code, after `kept` (0 to 1) of the bytes were written. */
export type Fault = { readonly code: string; readonly kept?: number } | null;

export class FakeDisk implements Disk {
  readonly folder = '/data/fake-db';
  readonly files: Map<string, Buffer>;
  readonly steps: Step[] = [];
  readonly reads: string[] = [];
  fault: (step: Step, index: number) => Fault = () => null;
  /** Called after an append has reached the disk and before anybody is told. */
  appended: () => void = () => {};
  #crashed = false;

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    this.files = new Map([...files].map(([name, bytes]) => [name, Buffer.from(bytes)]));
  }

  /** The disk after the process has died: what it holds, in new hands. */
  afterCrash(): FakeDisk {
    return new FakeDisk(this.files);
  }

  list(): string[] {
    this.#alive();
    return [...this.files.keys()];
  }

  read(name: string): Promise<Buffer> {
    this.reads.push(name);
    const bytes = this.files.get(name);
    if (bytes === undefined) return Promise.reject(error('ENOENT'));
    return Promise.resolve(Buffer.from(bytes));
  }

  createExclusive(name: string): void {
    if (this.files.has(name)) throw error('EEXIST');
    this.#step({ op: 'create', name });
    this.files.set(name, Buffer.alloc(0));
  }

  openAppend(name: string): AppendFile {
    this.#step({ op: 'open', name });
    this.files.set(name, Buffer.alloc(0));
    return {
      append: async (bytes) => {
        const before = this.files.get(name)!;
        this.#step({ op: 'append', name }, (kept) => {
          const part = bytes.subarray(0, Math.floor(bytes.length * kept));
          this.files.set(name, Buffer.concat([before, part]));
        });
        this.files.set(name, Buffer.concat([before, bytes]));
        await new Promise((resolve) => setImmediate(resolve));
        this.appended();
      },
      cut: (length) => {
        this.#step({ op: 'cut', name });
        this.files.set(name, this.files.get(name)!.subarray(0, length));
      },
      close: () => {},
    };
  }

  async replace(name: string, pieces: Iterable<Uint8Array>): Promise<void> {
    const bytes: Uint8Array[] = [];
    for (const piece of pieces) {
      bytes.push(piece);
      await Promise.resolve();
    }
    const all = Buffer.concat(bytes);
    this.#step({ op: 'replace', name }, (kept) => {
      this.files.set(`${name}.tmp`, all.subarray(0, Math.floor(all.length * kept)));
    });
    this.files.delete(`${name}.tmp`);
    this.files.set(name, all);
  }

  remove(name: string): Promise<void> {
    this.#step({ op: 'remove', name });
    this.files.delete(name);
    return Promise.resolve();
  }

  #step(step: Step, torn: (kept: number) => void = () => {}): void {
    this.#alive();
    const fault = this.fault(step, this.steps.push(step) - 1);
    if (fault === null) return;
    torn(fault.kept ?? 0);
    if (fault.code === 'CRASH') this.#crashed = true;
    throw error(fault.code);
  }

  #alive(): void {
    if (this.#crashed) throw error('CRASH');
  }
}

function error(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
