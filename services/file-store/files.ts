/**
 * The complete files: which there are, reading and listing them. A file belongs to the user who sent it; for everybody
 * else it is not there. How a file comes to be is in uploads.ts.
 */

import { encodeFileRead, encodeFilesListed } from '../protocols/files.ts';
import type { GetFile, ListFiles } from '../protocols/file.ts';
import { ANSWER_BYTES_MAX, errorRest, LISTED_FILES_MAX, shown, userKey } from '../protocols/user.ts';
import { storeRefusal } from '../store/operations.ts';
import { readable, type Row, type Store } from '../store/store.ts';
import type { Parts } from './parts.ts';
import { readParts } from './upload.ts';

/** `key`: the user in lower case, a slash, the name (which holds none). */
export interface FileRow extends Row {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly time: string;
  readonly upload: string;
  readonly parts: readonly { readonly file: string; readonly bytes: number }[];
}

export const FILES = 'files';

export function fileKey(user: string, name: string): string {
  return `${userKey(user)}/${name}`;
}

export class Files {
  readonly #store: Store;
  readonly #parts: Parts;
  readonly #serviceName: string;
  readonly #now: () => number;
  /** The names of each user, sorted when they are first listed after a change. */
  readonly #names = new Map<string, { names: Set<string>; sorted: string[] | null }>();
  /** Which file an upload became, for an `end` that is sent again. */
  readonly #byUpload = new Map<string, string>();

  constructor(store: Store, parts: Parts, serviceName: string, now: () => number) {
    this.#store = store;
    this.#parts = parts;
    this.#serviceName = serviceName;
    this.#now = now;
    for (const row of store.table<FileRow>(FILES).values()) this.#enter(row);
  }

  get(key: string): FileRow | undefined {
    return this.#store.table<FileRow>(FILES).get(key);
  }

  /** The user's file that this upload became, unless it was replaced since. */
  ofUpload(user: string, upload: string): FileRow | undefined {
    const row = this.get(this.#byUpload.get(upload) ?? '');
    return row !== undefined && row.key.startsWith(`${userKey(user)}/`) && row.upload === upload ? row : undefined;
  }

  /** To be called when a file's row is on disk; `before` is what stood in its place. */
  stored(row: FileRow, before: FileRow | undefined): void {
    if (before !== undefined) this.#byUpload.delete(before.upload);
    this.#enter(row);
  }

  async read(request: GetFile): Promise<string> {
    try {
      await readable(this.#store, this.#now());
      for (;;) {
        const row = this.get(fileKey(request.user, request.name));
        if (row === undefined) return errorRest(404, `you have no file ${shown(request.name)}`);
        const most = Math.min(request.mostBytes, ANSWER_BYTES_MAX, Math.max(0, row.size - request.offset));
        const bytes = await this.#readRow(row, request.offset, most);
        if (bytes === null) continue;
        const next = Math.min(row.size, request.offset + bytes.length);
        return encodeFileRead(bytes.toString('base64'), next, row.size, row.sha256);
      }
    } catch (error) {
      return storeRefusal(error, this.#serviceName);
    }
  }

  async list(request: ListFiles): Promise<string> {
    try {
      await readable(this.#store, this.#now());
    } catch (error) {
      return storeRefusal(error, this.#serviceName);
    }
    const key = userKey(request.user);
    const entry = this.#names.get(key);
    if (entry === undefined) return encodeFilesListed([]);
    entry.sorted ??= [...entry.names].sort(); // by UTF-16 code units: any fixed order will do
    const from = request.after === '' ? 0 : firstAfter(entry.sorted, request.after);
    const rows = entry.sorted.slice(from, from + LISTED_FILES_MAX).map((name) => this.get(`${key}/${name}`));
    return encodeFilesListed(rows.filter((row) => row !== undefined));
  }

  /** Null when the file was replaced meanwhile: its parts are gone, look again. */
  async #readRow(row: FileRow, at: number, length: number): Promise<Buffer | null> {
    if (length === 0) return Buffer.alloc(0);
    try {
      const bytes = await readParts(this.#parts, row.parts, at, length);
      if (bytes.length === 0)
        throw new Error(`${row.parts.map((part) => part.file).join(' ')}: shorter than its row says`);
      return bytes;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && this.get(row.key) !== row) return null;
      throw error;
    }
  }

  #enter(row: FileRow): void {
    const user = row.key.slice(0, row.key.indexOf('/'));
    let entry = this.#names.get(user);
    if (entry === undefined) this.#names.set(user, (entry = { names: new Set(), sorted: null }));
    if (!entry.names.has(row.name)) {
      entry.names.add(row.name);
      entry.sorted = null;
    }
    this.#byUpload.set(row.upload, row.key);
  }
}

/** Where the first name behind `after` stands in a sorted list. */
function firstAfter(sorted: readonly string[], after: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
