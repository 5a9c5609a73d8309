/**
 * How a file comes to be: begin, chunks, end. Rows of the store say which uploads are under way; how far each is, its
 * Upload knows (upload.ts), and after a restart the length of its parts.
 *
 * Theory. A client that lost its connection, its gateway or its service asks `begin` again and goes on where the store
 * stands; so an upload is found by what it will become (user, name, size, SHA-256). A chunk needs no operation id: its
 * offset says whether it was taken. `end` puts the file in the old one's place in one commit, after its bytes are on
 * disk; until then the old one is served, and only then are its parts removed.
 */

import { randomBytes } from 'node:crypto';
import type { SendFileBegin, SendFileChunk, SendFileEnd } from '../protocols/file.ts';
import { encodeUploadBegun } from '../protocols/files.ts';
import { CHUNK_BYTES_MAX, errorRest, okRest, shown, userKey } from '../protocols/user.ts';
import { digestOf, storeRefusal, type Operations } from '../store/operations.ts';
import { StoreError, type Change, type Store } from '../store/store.ts';
import { FILES, fileKey, type FileRow, type Files } from './files.ts';
import type { Part, Parts } from './parts.ts';
import { LiveUploads, UPLOADS, type UploadRow } from './live-uploads.ts';
import type { Upload } from './upload.ts';

/** An upload to which nobody has sent a chunk for so long is given up. */
export const UPLOAD_ABANDONED_MS = 24 * 60 * 60 * 1000;
/** Uploads under way, of one user and of all. */
export const UPLOADS_PER_USER_MAX = 100;
export const UPLOADS_MAX = 10_000;
/** What is told to whom that is too many, ms. */
const UPLOADS_RETRY_MS = 60_000;
/** How often abandoned uploads are looked for, at most. */
const SWEEP_MS = 60_000;
const UPLOAD_ID_BYTES = 12;

export interface UploadsOptions {
  readonly store: Store;
  readonly operations: Operations;
  readonly files: Files;
  readonly parts: Parts;
  readonly serviceName: string;
  readonly now: () => number;
  readonly warn: (sentence: string) => void;
}

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #live: LiveUploads;
  /** The id of an upload by what it will become. */
  readonly #byContent = new Map<string, string>();
  readonly #startedMs: number;
  #sweptMs: number;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#startedMs = options.now();
    this.#sweptMs = this.#startedMs;
    this.#live = new LiveUploads(options.store, options.parts, this.#startedMs);
    for (const row of this.#rows().values()) this.#byContent.set(contentOf(row), row.key);
  }

  async begin(request: SendFileBegin): Promise<string> {
    const { operations, parts, store } = this.#options;
    try {
      await this.#sweep();
      const { name, sizeBytes: size, operationId } = request;
      const wanted = { user: userKey(request.user), name, size, sha256: request.sha256.toLowerCase() };
      const content = contentOf(wanted);
      const operation = { ...request, content: digestOf('begin', content) };
      const known = this.#byContent.get(content);
      if (known !== undefined) {
        const conflict = operations.conflict(operation); // nothing is changed, so nothing is to be remembered
        if (conflict !== null) return conflict;
        await store.settled();
        const upload = await this.#live.open(known);
        if (upload !== null) return encodeUploadBegun(known, await upload.sync());
      }
      const key = randomBytes(UPLOAD_ID_BYTES).toString('base64url');
      const answer = await operations.once(operation, () => {
        const refusal = this.#tooMany(wanted.user);
        if (refusal !== null) return { refusal };
        const put: UploadRow = { ...wanted, key, operationId, parts: [{ file: parts.newName(), bytes: null }] };
        this.#byContent.set(content, key); // at once: another `begin` must find it
        return { changes: [{ table: UPLOADS, put }], answer: encodeUploadBegun(key, 0) };
      });
      if (!this.#rows().has(key) && this.#byContent.get(content) === key) this.#byContent.delete(content);
      return this.#begunBefore(request.user, answer);
    } catch (error) {
      return this.#refusal(error);
    }
  }

  async chunk(request: SendFileChunk): Promise<string> {
    try {
      this.#options.store.checkOwner(this.#options.now());
      const row = this.#rowOf(request.user, request.uploadId);
      if (row === undefined) return noUpload(request.uploadId);
      const upload = this.#live.get(row.key) ?? (await this.#live.open(row.key));
      if (upload === null) return noUpload(request.uploadId);
      const bytes = decodeBase64(request.data);
      if (bytes === null) return errorRest(400, 'Line_4: the data of a chunk is base64 with its padding');
      if (bytes.length > CHUNK_BYTES_MAX) return errorRest(413, `a chunk has at most ${CHUNK_BYTES_MAX} bytes`);
      const end = request.offset + bytes.length;
      if (request.offset === upload.offset) {
        if (end > row.size) return errorRest(413, `the file was announced with ${row.size} bytes and this is more`);
        upload.touchedMs = this.#options.now();
        if (bytes.length > 0) await upload.take(bytes);
        return okRest([String(end)]);
      }
      if (end <= upload.offset && (await upload.holds(bytes, request.offset))) return okRest([String(end)]);
      return wrongOffset(request.offset, upload.offset);
    } catch (error) {
      return this.#refusal(error);
    }
  }

  async end(request: SendFileEnd): Promise<string> {
    const { operations, files } = this.#options;
    const operation = { ...request, content: digestOf('end', request.uploadId) };
    try {
      const row = this.#rowOf(request.user, request.uploadId);
      const upload = row === undefined ? null : await this.#live.open(row.key);
      let digest = '';
      if (row !== undefined && upload !== null) {
        const written = await upload.sync();
        if (written !== row.size) return wrongOffset(row.size, written);
        digest = await upload.digest();
      }
      let unneeded: readonly Part[] = [];
      const answer = await operations.once(operation, () => {
        const done = files.ofUpload(request.user, request.uploadId);
        if (done !== undefined) return { changes: [], answer: okRest([done.name]) };
        if (row === undefined || upload === null || !this.#rows().has(row.key)) {
          return { refusal: noUpload(request.uploadId) };
        }
        if (digest !== row.sha256) {
          const stored = (): void => void (unneeded = upload.partsNow());
          return { changes: this.#without(row), answer: wrongDigest(row, digest), stored };
        }
        const made = this.#fileOf(row, upload);
        const before = files.get(made.key);
        const stored = (): void => {
          files.stored(made, before);
          unneeded = before?.parts ?? [];
        };
        const changes: Change[] = [
          { table: FILES, put: made },
          { table: UPLOADS, remove: row.key },
        ];
        return { changes, answer: okRest([made.name]), stored };
      });
      if (row !== undefined && !this.#rows().has(row.key)) await this.#forget(row);
      for (const part of unneeded) await this.#remove(part.file);
      return answer;
    } catch (error) {
      return this.#refusal(error);
    }
  }

  /** At start: removes the parts that no row names, which a crash left. */
  async removeOrphans(): Promise<void> {
    const named = new Set<string>();
    for (const row of this.#rows().values()) for (const part of row.parts) named.add(part.file);
    for (const row of this.#options.store.table<FileRow>(FILES).values()) {
      for (const part of row.parts) named.add(part.file);
    }
    for (const file of this.#options.parts.list()) if (!named.has(file)) await this.#remove(file);
  }

  close(): Promise<void> {
    return this.#live.close();
  }

  #rows(): ReadonlyMap<string, UploadRow> {
    return this.#options.store.table<UploadRow>(UPLOADS);
  }

  #rowOf(user: string, id: string): UploadRow | undefined {
    const row = this.#rows().get(id);
    return row !== undefined && row.user === userKey(user) ? row : undefined; // another user's upload is not there
  }

  /** The operation is remembered: it began an upload that ended since, or it was something else. */
  #begunBefore(user: string, answer: string): string {
    const match = /^ ~ Status: 200 ~ Line_3: ([^ ]+) /.exec(answer);
    const file = match === null ? undefined : this.#options.files.ofUpload(user, match[1]!);
    return file === undefined ? answer : encodeUploadBegun(file.upload, file.size);
  }

  #fileOf(row: UploadRow, upload: Upload): FileRow {
    const { name, size, sha256, key } = row;
    const time = new Date(this.#options.now()).toISOString();
    return { key: fileKey(row.user, name), name, size, sha256, time, upload: key, parts: upload.partsNow() };
  }

  /** Without this upload, and without the memory of its beginning, so that it can begin again. */
  #without(row: UploadRow): Change[] {
    return [{ table: UPLOADS, remove: row.key }, this.#options.operations.forget(row.user, row.operationId)];
  }

  async #giveUp(row: UploadRow): Promise<void> {
    await this.#options.store.commit(this.#without(row));
    const files = row.parts.map((part) => part.file);
    const live = this.#live.get(row.key);
    for (const part of live?.partsNow() ?? []) files.push(part.file);
    await this.#forget(row);
    for (const file of new Set(files)) await this.#remove(file);
  }

  async #forget(row: UploadRow): Promise<void> {
    if (this.#byContent.get(contentOf(row)) === row.key) this.#byContent.delete(contentOf(row));
    await this.#live.forget(row.key);
  }

  async #remove(file: string): Promise<void> {
    try {
      await this.#options.parts.remove(file);
    } catch (error) {
      this.#options.warn(`${file} could not be removed: ${String(error)}`); // it is an orphan now; the next start tries
    }
  }

  #tooMany(user: string): string | null {
    let own = 0;
    for (const row of this.#rows().values()) if (row.user === user) own += 1;
    if (own < UPLOADS_PER_USER_MAX && this.#rows().size < UPLOADS_MAX) return null;
    const sentence = own < UPLOADS_PER_USER_MAX ? 'all users together have' : 'you have';
    return errorRest(429, `${sentence} too many uploads under way; end some, or wait`, UPLOADS_RETRY_MS);
  }

  async #sweep(): Promise<void> {
    const now = this.#options.now();
    if (now - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = now;
    for (const row of [...this.#rows().values()]) {
      const live = this.#live.get(row.key);
      const touchedMs = live?.touchedMs ?? this.#startedMs;
      if (now - touchedMs >= UPLOAD_ABANDONED_MS) await this.#giveUp(row);
    }
  }

  #refusal(error: unknown): string {
    const rest = storeRefusal(error, this.#options.serviceName);
    if (!(error instanceof StoreError)) this.#options.warn(`an upload failed: ${String(error)}`);
    return rest;
  }
}

function contentOf(row: { user: string; name: string; size: number; sha256: string }): string {
  return `${row.user}/${row.name}/${row.size}/${row.sha256}`;
}

/** Null for what is not base64: Node leaves out what it does not know, so the length tells; it knows base64url too. */
function decodeBase64(text: string): Buffer | null {
  if (text.includes('-') || text.includes('_')) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Buffer.from(text, 'base64');
  return text.length % 4 === 0 && bytes.length === (text.length / 4) * 3 - padding ? bytes : null;
}

function noUpload(id: string): string {
  return errorRest(404, `there is no upload ${shown(id)} of yours; send_file_begin_request gives an upload id`);
}

function wrongDigest(row: UploadRow, digest: string): string {
  return errorRest(422, `the SHA-256 of what came is ${digest} and not ${row.sha256}: the upload is dropped`);
}

function wrongOffset(offset: number, right: number): string {
  return errorRest(409, `the store has ${right} bytes of this upload and not ${offset}: go on from there`, right);
}
