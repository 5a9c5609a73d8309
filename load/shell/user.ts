/**
 * One user of the load: logs in, posts, reads, sends and gets files, and writes down what happened.
 *
 * Lives here: operations made of requests, and their outcomes. Does not live here: when a user does what (run.ts), the
 * connection (user-link.ts).
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  parseUserAnswer,
  USER_REQUESTS,
  userRequest,
  type UserAnswer,
  type UserRequestFields,
  type UserRequestName,
} from '../../services/protocols/user.ts';
import type { Operation, Outcome, SeenPost } from '../core/history.ts';
import type { Measured } from '../core/stats.ts';
import type { UserLink } from './user-link.ts';

/** Bytes of a chunk of an upload, and of a download, before base64. */
const CHUNK_BYTES = 32 * 1024;
const PART_BYTES = 128 * 1024;
/** A list page has this many files at most; one that has fewer is the last. */
const LIST_PAGE = 100;
const NO_ANSWER = { ok: false, status: 0, message: 'no answer', data: null } as const;

type Draft = Operation extends infer One
  ? One extends Operation
    ? Omit<One, 'id' | 'user' | 'invokeMs' | 'endMs'>
    : never
  : never;

/** Where users write. */
export interface Notes {
  now(): number;
  measured(measured: Measured): void;
  /** Gives the operation its id. */
  add(operation: Omit<Operation, 'id'> & Draft): void;
  /** The text of the next post, unique. */
  nextText(): string;
  /** The same object for the same post, so that a million views stay small. */
  intern(post: SeenPost): SeenPost;
}

export class LoadUser {
  readonly name: string;
  private readonly link: UserLink;
  private readonly notes: Notes;
  private token = '';

  constructor(name: string, link: UserLink, notes: Notes) {
    this.name = name;
    this.link = link;
    this.notes = notes;
  }

  /** Registers (a name that exists already is fine) and logs in; in words what went wrong, or null. */
  async enter(password: string): Promise<string | null> {
    const { name: user } = this;
    const known = await this.ask('registration_request', { user, password });
    if (!known.ok && known.status !== 409) return `${user} could not register: ${known.status} ${known.message}`;
    const login = await this.ask('login_request', { user, password });
    if (!login.ok) return `${user} could not log in: ${login.status} ${login.message}`;
    this.token = login.token;
    return null;
  }

  /** `startMs`: when it should have been sent, for an open load. */
  async post(startMs?: number): Promise<void> {
    const text = this.notes.nextText();
    const invokeMs = this.notes.now();
    const answer = await this.ask('send_post_request', { token: this.token, text }, startMs);
    const postId = answer.ok ? answer.postId : null;
    this.note(invokeMs, { kind: 'post', outcome: outcomeOf(answer), text, postId });
  }

  async read(startMs?: number): Promise<void> {
    const invokeMs = this.notes.now();
    const answer = await this.ask('retrieve_last_10_posts_request', { token: this.token }, startMs);
    const posts = answer.ok
      ? answer.posts.map(({ post_id: postId, user, time, text }) => this.notes.intern({ postId, user, time, text }))
      : null;
    this.note(invokeMs, { kind: 'read', outcome: outcomeOf(answer), posts });
  }

  /** Uploads a file, lists all, gets it back. */
  async file(file: string, bytes: Uint8Array): Promise<void> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const invokeMs = this.notes.now();
    const sent = await this.upload(file, bytes, sha256);
    this.note(invokeMs, { kind: 'upload', outcome: outcomeOf(sent), file, size: bytes.length, sha256 });
    await this.list();
    await this.download(file);
  }

  private async upload(name: string, bytes: Uint8Array, sha256: string): Promise<UserAnswer<UserRequestName>> {
    const { token } = this;
    const begin = await this.ask('send_file_begin_request', { token, name, size: bytes.length, sha256 });
    if (!begin.ok) return begin;
    const { uploadId } = begin;
    for (let { offset } = begin; offset < bytes.length;) {
      const data = Buffer.from(bytes.subarray(offset, offset + CHUNK_BYTES)).toString('base64');
      const chunk = await this.ask('send_file_chunk_request', { token, uploadId, offset, data });
      // Another offset than the store has: line 4 says which.
      const next = chunk.ok ? chunk.nextOffset : chunk.status === 409 ? Number(chunk.data ?? NaN) : NaN;
      if (!Number.isSafeInteger(next)) return chunk;
      offset = next;
    }
    return this.ask('send_file_end_request', { token, uploadId });
  }

  private async list(): Promise<void> {
    const invokeMs = this.notes.now();
    const files: { name: string; size: number }[] = [];
    for (let after = ''; ;) {
      const page = await this.ask('list_files_request', { token: this.token, after });
      if (!page.ok) return this.note(invokeMs, { kind: 'list', outcome: outcomeOf(page), files: null });
      files.push(...page.files.map(({ name, size }) => ({ name, size })));
      after = page.files.at(-1)?.name ?? '';
      if (page.files.length < LIST_PAGE) break;
    }
    this.note(invokeMs, { kind: 'list', outcome: 'ok', files });
  }

  private async download(file: string): Promise<void> {
    const invokeMs = this.notes.now();
    const hash = createHash('sha256');
    for (let offset = 0, size = 1; offset < size;) {
      const fields = { token: this.token, name: file, offset, mostBytes: PART_BYTES };
      const part = await this.ask('get_file_request', fields);
      if (!part.ok) {
        const found = part.status === 404 ? 'none' : null;
        return this.note(invokeMs, { kind: 'download', outcome: outcomeOf(part), file, found });
      }
      hash.update(Buffer.from(part.data, 'base64'));
      ({ nextOffset: offset, size } = part);
      if (offset >= size) {
        const found = { size: offset, sha256: hash.digest('hex') };
        return this.note(invokeMs, { kind: 'download', outcome: 'ok', file, found });
      }
    }
  }

  private note(invokeMs: number, draft: Draft): void {
    this.notes.add({ ...draft, user: this.name, invokeMs, endMs: this.notes.now() });
  }

  private async ask<N extends UserRequestName>(
    name: N,
    fields: UserRequestFields[N],
    startMs?: number,
  ): Promise<UserAnswer<N>> {
    const operationId = USER_REQUESTS[name].changes ? randomUUID() : '';
    const { message, tookMs, repeats } = await this.link.request(name, userRequest(name, fields, operationId), startMs);
    const parsed = message === null ? NO_ANSWER : parseUserAnswer(name, message);
    const answer: UserAnswer<N> =
      typeof parsed === 'string' ? { ok: false, status: 500, message: parsed, data: null } : parsed;
    this.notes.measured({ type: name, atMs: this.notes.now(), tookMs, status: answer.status, repeats });
    return answer;
  }
}

/** A 4xx surely did not happen; a 5xx, or no answer, may have. */
function outcomeOf(answer: UserAnswer<UserRequestName>): Outcome {
  if (answer.ok) return 'ok';
  return answer.status >= 400 && answer.status < 500 ? 'fail' : 'unknown';
}
