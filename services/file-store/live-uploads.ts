/**
 * The uploads under way: their rows in the store, and for those that somebody asked for since the start, their Upload in
 * memory. What may not live here: what a request does to one (uploads.ts).
 *
 * Theory. After a restart nothing of an upload is in memory, and its last part belongs to a former owner, who may not
 * know yet that he is one. So the first who asks takes it over: the length that the part has now is written into the
 * row, and what comes next goes into a part of our own. Whatever the former owner still writes lies behind that length.
 */

import type { Row, Store } from '../store/store.ts';
import type { Part, Parts } from './parts.ts';
import { Upload } from './upload.ts';

/** `key` is the upload id. */
export interface UploadRow extends Row {
  /** In lower case. */
  readonly user: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  /** Which operation began it. */
  readonly operationId: string;
  /** The last one may still be written. */
  readonly parts: readonly Part[];
}

export const UPLOADS = 'uploads';

export class LiveUploads {
  readonly #store: Store;
  readonly #parts: Parts;
  readonly #startedMs: number;
  readonly #live = new Map<string, Upload>();
  readonly #opening = new Map<string, Promise<Upload>>();

  /** `startedMs`: when this owner began; nothing is known about when an upload was touched before. */
  constructor(store: Store, parts: Parts, startedMs: number) {
    this.#store = store;
    this.#parts = parts;
    this.#startedMs = startedMs;
  }

  /** The upload if it is in memory. */
  get(id: string): Upload | undefined {
    return this.#live.get(id);
  }

  /** The upload, taken over when it has to be; null when there is no such row. Who asks first goes on first. */
  async open(id: string): Promise<Upload | null> {
    const live = this.#live.get(id);
    if (live !== undefined) return live;
    const row = this.#store.table<UploadRow>(UPLOADS).get(id);
    if (row === undefined) return null;
    let opening = this.#opening.get(id);
    if (opening === undefined) {
      opening = this.#open(row).finally(() => this.#opening.delete(id));
      this.#opening.set(id, opening);
    }
    const upload = await opening;
    this.#live.set(id, upload);
    return upload;
  }

  async forget(id: string): Promise<void> {
    const live = this.#live.get(id);
    this.#live.delete(id);
    await live?.close();
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#opening.values()]);
    for (const upload of this.#live.values()) await upload.close();
  }

  async #open(row: UploadRow): Promise<Upload> {
    const own = row.parts.at(-1)!.file;
    if (this.#parts.isOwn(own)) return new Upload(this.#parts, [], own, this.#startedMs);
    const frozen: { file: string; bytes: number }[] = [];
    for (const part of row.parts) {
      const bytes = part.bytes ?? (await this.#parts.length(part.file));
      if (bytes > 0) frozen.push({ file: part.file, bytes });
    }
    const file = this.#parts.newName();
    const put: UploadRow = { ...row, parts: [...frozen, { file, bytes: null }] };
    await this.#store.commit([{ table: UPLOADS, put }]); // before anything is written
    return new Upload(this.#parts, frozen, file, this.#startedMs);
  }
}
