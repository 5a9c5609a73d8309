/**
 * A file that only grows at its end and does not grow for ever.
 *
 * Lives here: lines that are written a moment later in one piece, and turning the file over at its limit. Does
 * not live here: what a line says. Used for the trace and for the logs of instances.
 */
import { appendFileSync, renameSync, statSync } from 'node:fs';

/** Lines wait this long for others, in milliseconds; a crash loses no more than that. */
const WAIT_MS = 100;
/** Characters that wait at most. */
const WAITING_MAX = 64 * 1024;

export class RotatingFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #waiting = '';
  #timer: NodeJS.Timeout | null = null;
  #bytes: number;

  /** At `bytesMax` the file becomes `<path>.1`, replacing the one before. */
  constructor(path: string, bytesMax: number) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Takes one line without its LF. */
  add(line: string): void {
    this.#waiting += `${line}\n`;
    if (this.#waiting.length > WAITING_MAX) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), WAIT_MS);
  }

  /** Writes what waits. Throws when the disk does not take it: an agent without its files is of no use. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting === '') return;
    const text = this.#waiting;
    this.#waiting = '';
    if (this.#bytes > 0 && this.#bytes + text.length > this.#bytesMax) {
      renameSync(this.#path, `${this.#path}.1`);
      this.#bytes = 0;
    }
    appendFileSync(this.#path, text, { mode: 0o600 });
    this.#bytes += Buffer.byteLength(text);
  }
}
