/**
 * Files that grow: their lines so far, and their new lines as they come.
 *
 * Lives here: reading and following many files at once. Does not live here: what the lines mean.
 *
 * Files come and go while they are followed (an instance starts, a log is rotated), so the list is asked again
 * each round. A round every 250 ms is cheap and the same on every system; only a person who watches pays for it.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const ROUND_MS = 250;
const BLOCK_BYTES = 256 * 1024;
/** A line longer than this is cut: no log or trace line of ours is. */
const LINE_BYTES_MAX = 1024 * 1024;

/** A line and the file it stands in. */
export interface TailLine {
  readonly file: string;
  readonly line: string;
}

/** Reads many files, each from where the last round ended. */
export class TextTail {
  readonly #listFiles: () => readonly string[];
  readonly #places = new Map<number, { offset: number; rest: Buffer }>();

  constructor(listFiles: () => readonly string[]) {
    this.#listFiles = listFiles;
  }

  /** Every complete line since the last call, file by file. */
  read(): TailLine[] {
    return this.#listFiles().flatMap((file) => this.#readFile(file));
  }

  /** Calls `onLines` with the new lines of each round until the signal is aborted. */
  follow(onLines: (lines: TailLine[]) => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const lines = this.read();
        if (lines.length > 0) onLines(lines);
      }, ROUND_MS);
      signal.addEventListener('abort', () => {
        clearInterval(timer);
        resolve();
      });
    });
  }

  #readFile(file: string): TailLine[] {
    let descriptor: number;
    try {
      descriptor = openSync(file, 'r');
    } catch {
      return []; // rotated away since it was listed
    }
    try {
      const { ino, size } = fstatSync(descriptor);
      // by inode: a file that was turned over goes on under its new name where it was
      let place = this.#places.get(ino);
      if (place === undefined || size < place.offset) place = { offset: 0, rest: Buffer.alloc(0) };
      const blocks = [place.rest];
      for (;;) {
        const block = Buffer.allocUnsafe(BLOCK_BYTES);
        const count = readSync(descriptor, block, 0, BLOCK_BYTES, place.offset);
        if (count === 0) break;
        place.offset += count;
        blocks.push(block.subarray(0, count));
      }
      const bytes = Buffer.concat(blocks);
      const end = bytes.lastIndexOf(10) + 1;
      place.rest = Buffer.from(bytes.subarray(end).subarray(-LINE_BYTES_MAX));
      this.#places.set(ino, place);
      const text = bytes.toString('utf8', 0, end);
      return text === ''
        ? []
        : text
            .slice(0, -1)
            .split('\n')
            .map((line) => ({ file, line }));
    } finally {
      closeSync(descriptor);
    }
  }
}
