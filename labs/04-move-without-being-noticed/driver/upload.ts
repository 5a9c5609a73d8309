/**
 * A user's uploads against instances in one process: begin, chunks, end, get.
 *
 * Lives here: the requests of edge 5 and how answers to them are expected. Does not live here: which are asked (scenarios.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  encodeGetFile,
  encodeSendFileBegin,
  encodeSendFileChunk,
  encodeSendFileEnd,
  GET_FILE_REQUEST,
  SEND_FILE_BEGIN_REQUEST,
  SEND_FILE_CHUNK_REQUEST,
  SEND_FILE_END_REQUEST,
} from '../../../services/protocols/file.ts';
import { CHUNK_BYTES_MAX } from '../../../services/protocols/user.ts';
import { InnerInstance, InnerStore, Wrong } from './instances.ts';
import type { Answered } from './instances.ts';

export const CHUNK = CHUNK_BYTES_MAX;

/** What a program is told with 200 (Line_3 …), or with another status in Line_4. */
function told({ status, lines }: Answered): string {
  return `${status}${lines.length === 0 ? '' : `, ${lines.map((line) => line.slice(0, 80)).join(' | ')}`}`;
}

export function expectAnswer(what: string, came: Answered, expected: Partial<Answered>, remark?: string): Answered {
  const wanted: Answered = { status: 200, lines: [], ...expected };
  const isRight =
    came.status === wanted.status && wanted.lines.every((line, at) => line === '' || line === came.lines[at]);
  if (isRight) return came;
  const lines = wanted.lines.map((line, at) => (line === '' ? '' : `, Line_${at + 3}: ${line}`)).join('');
  throw new Wrong(`${what}: status ${wanted.status}${lines}`, told(came), remark);
}

/** One file of one user, on its way. */
export class Upload {
  readonly user: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly sha256: string;
  id = '';

  constructor(user: string, name: string, sizeBytes: number) {
    this.user = user;
    this.name = name;
    this.bytes = randomBytes(sizeBytes);
    this.sha256 = createHash('sha256').update(this.bytes).digest('hex');
  }

  /** Remembers the id that is answered; expects this offset to go on from. */
  async begin(what: string, at: InstanceOf, offset: number, remark?: string): Promise<void> {
    const { user, name, sha256 } = this;
    const rest = encodeSendFileBegin({ user, operationId: 'operation-1', name, sizeBytes: this.bytes.length, sha256 });
    const came = await at.ask(what, SEND_FILE_BEGIN_REQUEST, rest);
    expectAnswer(what, came, { lines: ['', String(offset)] }, remark);
    this.id = came.lines[0] ?? '';
  }

  /** The chunk that begins at `offset`. */
  async chunk(what: string, at: InstanceOf, offset: number, id = this.id, user = this.user): Promise<Answered> {
    const data = this.bytes.subarray(offset, offset + CHUNK).toString('base64');
    return await at.ask(what, SEND_FILE_CHUNK_REQUEST, encodeSendFileChunk({ user, uploadId: id, offset, data }));
  }

  /** Chunks from `from` to `to`, all sent before the first is answered, as cnapp does; each must be taken. */
  async chunks(what: string, at: InstanceOf, from: number, to = this.bytes.length, remark?: string): Promise<void> {
    const sent: { offset: number; answer: Promise<Answered> }[] = [];
    for (let offset = from; offset < to; offset += CHUNK) sent.push({ offset, answer: this.chunk(what, at, offset) });
    for (const { offset, answer } of sent) {
      const next = Math.min(offset + CHUNK, this.bytes.length);
      expectAnswer(`${what}, the chunk at ${offset}`, await answer, { lines: [String(next)] }, remark);
    }
  }

  async end(what: string, at: InstanceOf): Promise<Answered> {
    const rest = encodeSendFileEnd({ user: this.user, operationId: 'operation-2', uploadId: this.id });
    return await at.ask(what, SEND_FILE_END_REQUEST, rest);
  }

  /** The file is there, byte for byte. */
  async expectArrived(what: string, at: InstanceOf): Promise<void> {
    let got = Buffer.alloc(0);
    for (let asked = 0; asked <= this.bytes.length / CHUNK + 1; asked += 1) {
      const rest = encodeGetFile({ user: this.user, name: this.name, offset: got.length, mostBytes: CHUNK });
      const came = expectAnswer(what, await at.ask(what, GET_FILE_REQUEST, rest), {});
      got = Buffer.concat([got, Buffer.from(came.lines[0] ?? '', 'base64')]);
      if (got.length >= this.bytes.length) break;
    }
    const sha256 = createHash('sha256').update(got).digest('hex');
    if (sha256 !== this.sha256)
      throw new Wrong(
        `${what}: ${this.bytes.length} bytes, SHA-256 ${this.sha256}`,
        `${got.length} bytes, SHA-256 ${sha256}`,
      );
  }
}

type InstanceOf = Pick<InnerInstance, 'ask'>;

/** A store, and instances of the student's service as they are needed. */
export class Bench {
  readonly store: InnerStore;
  readonly #program: string;

  private constructor(program: string, store: InnerStore) {
    this.#program = program;
    this.store = store;
  }

  static async open(program: string, folder: string): Promise<Bench> {
    return new Bench(program, await InnerStore.open(join(folder, 'pieces')));
  }

  /** Another instance, which knows nothing of those before. */
  instance(): Promise<InnerInstance> {
    return InnerInstance.start(this.#program, this.store);
  }
}
