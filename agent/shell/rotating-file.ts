/**
 * A file that only grows at its end and does not grow for ever.
 *
 * Lives here: lines that are written a moment later in one piece, and turning the file over at its limit. Does
 * not live here: what a line says. Used for the trace and for the logs of instances.
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Lines wait this long for others, in milliseconds; a crash loses no more than that. */
const WAIT_MS = 250;
/** Characters that wait at most. */
const WAITING_MAX = 64 * 1024;

export class RotatingFile {
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #flush = (): void => this.flush();
  #waiting = '';
  #timer: NodeJS.Timeout | null = null;
  /** Opened with the first write. */
  #file: number | null = null;
  #bytes = 0;
  readonly #tell: (sentence: string) => void;
  #isFailing = false;

  /**
   * At `bytesMax` the file becomes `<path>.1`, replacing the one before. `tell` hears when lines are lost because the
   * disk does not take them, once until it does again: instances go on when there is no room to write about them.
   */
  constructor(path: string, bytesMax: number, tell: (sentence: string) => void) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#tell = tell;
  }

  /** Takes one line without its LF. */
  add(line: string): void {
    this.#waiting += `${line}\n`;
    if (this.#waiting.length > WAITING_MAX) this.flush();
    else this.#timer ??= setTimeout(this.#flush, WAIT_MS);
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting === '') return;
    const text = Buffer.from(this.#waiting);
    this.#waiting = '';
    try {
      this.#write(text);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#tell(`lines for ${this.#path} are lost: ${(error as Error).message}`);
      this.#isFailing = true;
    }
  }

  /** Writes what waits and lets the file go. */
  close(): void {
    this.flush();
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #write(text: Buffer): void {
    let file = this.#file ?? this.#open();
    if (this.#bytes > 0 && this.#bytes + text.length > this.#bytesMax) {
      closeSync(file);
      this.#file = null;
      renameSync(this.#path, `${this.#path}.1`);
      file = this.#open();
    }
    for (let written = 0; written < text.length;) written += writeSync(file, text, written);
    this.#bytes += text.length;
  }

  #open(): number {
    this.#file = openSync(this.#path, 'a', 0o600);
    this.#bytes = fstatSync(this.#file).size;
    return this.#file;
  }
}
