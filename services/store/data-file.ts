/**
 * The readable file of a store, `data-<epoch>-<seq>.json`: plain JSON, one row a line, through lowdb. It holds all
 * tables as they were after line `seq` of the log. What may not live here: when to write one (lowdb-store.ts), which
 * one to believe (recover.ts).
 *
 * Theory. lowdb alone writes one string made by JSON.stringify and does not flush. Its adapter interface lets us keep
 * lowdb's data model and do both properly: rows become text some hundred at a time, so that no request waits for ten
 * thousand of them, and the file takes its predecessor's place only when it is on disk. The last line is a checksum
 * over everything before it: a file edited by hand or damaged is refused, not half believed.
 */

import { Low, type Adapter } from 'lowdb';
import { crc32 } from 'node:zlib';
import type { Disk } from './disk.ts';
import { checksumOf, checksumText } from './log-line.ts';
import { StoreError, type Row } from './store.ts';

export interface DataFile {
  readonly format: string;
  readonly epoch: number;
  /** The last line of the log that is in here. */
  readonly seq: number;
  readonly tables: Readonly<Record<string, readonly Row[]>>;
}

export const DATA_FORMAT = 'ssmmp-lab store 1';
/** Rows that become text between two turns of the event loop. */
const ROWS_PER_PIECE = 500;
const CHECKSUM_LINE = '\n"checksum": "';

export function dataFileName(epoch: number, seq: number): string {
  return `data-${epoch}-${seq}.json`;
}

/** Rejects with StoreError `corrupt` when the file is not what was written. */
export async function readDataFile(disk: Disk, name: string): Promise<{ data: DataFile; bytes: number }> {
  const adapter = new DataFileAdapter(disk, name);
  const db = new Low<DataFile>(adapter, { format: DATA_FORMAT, epoch: 0, seq: 0, tables: {} });
  await db.read();
  return { data: db.data, bytes: adapter.bytes };
}

/** Answers how many bytes were written. */
export async function writeDataFile(disk: Disk, data: DataFile): Promise<number> {
  const adapter = new DataFileAdapter(disk, dataFileName(data.epoch, data.seq));
  await new Low<DataFile>(adapter, data).write();
  return adapter.bytes;
}

class DataFileAdapter implements Adapter<DataFile> {
  bytes = 0;
  readonly #disk: Disk;
  readonly #name: string;

  constructor(disk: Disk, name: string) {
    this.#disk = disk;
    this.#name = name;
  }

  async read(): Promise<DataFile | null> {
    const bytes = await this.#disk.read(this.#name);
    this.bytes = bytes.length;
    const at = bytes.lastIndexOf(CHECKSUM_LINE);
    const expected = at === -1 ? '' : checksumLine(checksumOf(bytes.subarray(0, at + 1)));
    if (at === -1 || bytes.toString('latin1', at + 1) !== expected) {
      throw new StoreError(
        'corrupt',
        `${this.#disk.folder}: ${this.#name} is damaged or was edited: its checksum does not fit. Put a copy of the ` +
          'folder in its place; the store does not guess.',
      );
    }
    return JSON.parse(bytes.toString('utf8')) as DataFile;
  }

  async write(data: DataFile): Promise<void> {
    this.bytes = 0;
    await this.#disk.replace(this.#name, this.#pieces(data));
  }

  *#pieces(data: DataFile): Generator<Buffer> {
    let sum = 0;
    for (const text of textOf(data)) {
      const piece = Buffer.from(text, 'utf8');
      sum = crc32(piece, sum);
      this.bytes += piece.length;
      yield piece;
    }
    yield Buffer.from(checksumLine(checksumText(sum)), 'utf8');
  }
}

/** How the file ends. */
function checksumLine(sum: string): string {
  return `${CHECKSUM_LINE.slice(1)}${sum}"\n}\n`;
}

/** All of the file but its checksum; ends with LF. */
function* textOf(data: DataFile): Generator<string> {
  yield `{\n"format": ${JSON.stringify(data.format)},\n"epoch": ${data.epoch},\n"seq": ${data.seq},\n"tables": {`;
  let tableSeparator = '\n';
  for (const name of Object.keys(data.tables)) {
    yield `${tableSeparator}${JSON.stringify(name)}: [`;
    tableSeparator = ',\n';
    const rows = data.tables[name]!;
    for (let at = 0; at < rows.length; at += ROWS_PER_PIECE) {
      let text = '';
      for (let row = at; row < Math.min(rows.length, at + ROWS_PER_PIECE); row += 1) {
        text += `${row === 0 ? '' : ','}\n${JSON.stringify(rows[row])}`;
      }
      yield text;
    }
    yield '\n]';
  }
  yield '\n},\n';
}
