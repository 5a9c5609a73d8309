/**
 * Where old posts go: files of their own, written once, so that neither memory nor the store's files grow with every
 * post ever sent. `posts-<epoch>-<first post id>.json`, a JSON list, one post a line, oldest first.
 *
 * Theory. The file is on disk before the commit that takes its posts out of the store and names the file. A crash in
 * between leaves a file that nobody names; it is removed at the next start, and its posts are still in the store.
 */

import type { Disk } from '../store/disk.ts';
import type { Row } from '../store/store.ts';

/** A post, in the store as in a file. `key` is the post id: a whole number, counted up. */
export interface PostRow extends Row {
  readonly user: string;
  readonly time: string;
  readonly text: string;
}

const ROWS_PER_PIECE = 500;
const ARCHIVE_NAME = /^posts-[0-9]+-[0-9]+\.json(\.tmp)?$/;

export class Archive {
  readonly #disk: Disk;
  readonly #epoch: number;

  constructor(disk: Disk, epoch: number) {
    this.#disk = disk;
    this.#epoch = epoch;
  }

  /** Answers the file's name when it is on disk. */
  async write(rows: readonly PostRow[]): Promise<string> {
    const name = `posts-${this.#epoch}-${rows[0]!.key}.json`;
    await this.#disk.replace(name, textOf(rows));
    return name;
  }

  /** Removes the files that no row of the store names. */
  async removeOthers(named: { has(name: string): boolean }): Promise<void> {
    for (const name of this.#disk.list()) {
      if (ARCHIVE_NAME.test(name) && !named.has(name)) await this.#disk.remove(name);
    }
  }
}

function* textOf(rows: readonly PostRow[]): Generator<Buffer> {
  for (let at = 0; at < rows.length; at += ROWS_PER_PIECE) {
    const lines = rows.slice(at, at + ROWS_PER_PIECE).map((row) => JSON.stringify(row));
    yield Buffer.from(`${at === 0 ? '[\n' : ',\n'}${lines.join(',\n')}`, 'utf8');
  }
  yield Buffer.from('\n]\n', 'utf8');
}
