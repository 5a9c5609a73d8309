/**
 * Drives the two transfers: performs the effects of core/upload.ts and core/download.ts with a client, a source and a
 * sink. Every decision is theirs; here is only asking, reading, writing and waiting.
 */
import type { UserAnswer, UserRequestName } from '../../services/protocols/user.ts';
import { ANSWER_BYTES_MAX, CHUNK_BYTES_MAX, readCount } from '../../services/protocols/user.ts';
import type { UserClient } from '../user-client.ts';
import type { DownloadEffect, DownloadInput } from '../core/download.ts';
import { newDownload, stepDownload } from '../core/download.ts';
import { CommandFailure, EXIT } from '../core/exit.ts';
import type { UploadEffect, UploadInput } from '../core/upload.ts';
import { newUpload, stepUpload } from '../core/upload.ts';
import type { Sink } from './sinks.ts';
import type { Source } from './sources.ts';

/** A transfer that failed; `isResumable` tells whether the same again would go on where it stopped. */
export class TransferFailure extends CommandFailure {
  readonly isResumable: boolean;

  constructor(status: number, message: string, isResumable: boolean) {
    const more = isResumable ? { hint: 'the same command goes on where it stopped' } : {};
    super(status === 401 ? EXIT.notLoggedIn : EXIT.failed, status, message, more);
    this.isResumable = isResumable;
  }
}

/** Sends a file; answers the name the gateway stored it under. Rejects with TransferFailure or what the client throws. */
export function sendFile(
  client: UserClient,
  token: string,
  name: string,
  source: Source,
  onProgress: (bytes: number) => void,
): Promise<string> {
  const upload = newUpload(source.size, CHUNK_BYTES_MAX);
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | null = null;
    let isOver = false;
    const end = (finish: () => void): void => {
      isOver = true;
      if (timer !== null) clearTimeout(timer);
      finish();
    };
    const input = (given: UploadInput): void => {
      if (isOver) return;
      for (const effect of stepUpload(upload, given)) perform(effect);
    };
    /** Passes an answer on as an input: `onDone` makes one of a 200. */
    const pass = <N extends UserRequestName>(
      asked: Promise<UserAnswer<N>>,
      round: number,
      request: 'begin' | 'chunk' | 'end',
      onDone: (answer: UserAnswer<N> & { ok: true }) => UploadInput,
    ): void => {
      asked.then(
        (answer) => {
          if (answer.ok) return input(onDone(answer as UserAnswer<N> & { ok: true }));
          const { status, message, data } = answer;
          input({ type: 'refused', nowMs: now(), round, request, status, message, data: readCount(data ?? '') });
        },
        (error: unknown) => end(() => reject(error as Error)),
      );
    };
    const perform = (effect: UploadEffect): void => {
      switch (effect.type) {
        case 'begin': {
          const { size, sha256 } = source;
          const asked = client.request('send_file_begin_request', { token, name, size, sha256 });
          return pass(asked, effect.round, 'begin', ({ uploadId, offset }) => {
            return { type: 'begun', nowMs: now(), round: effect.round, uploadId, offset };
          });
        }
        case 'chunk': {
          const { round, uploadId, offset } = effect;
          const data = source.read(offset, effect.length);
          if (data === null) {
            return end(() => reject(new TransferFailure(422, 'the file became shorter while it was sent', false)));
          }
          const asked = client.request(
            'send_file_chunk_request',
            { token, uploadId, offset, data },
            { repeatsBusy: false },
          );
          return pass(asked, round, 'chunk', ({ nextOffset }) => {
            return { type: 'stored', nowMs: now(), round, nextOffset };
          });
        }
        case 'end': {
          const asked = client.request('send_file_end_request', { token, uploadId: effect.uploadId });
          return pass(asked, effect.round, 'end', (answer) => ({ type: 'ended', nowMs: now(), name: answer.name }));
        }
        case 'wait':
          timer = setTimeout(() => input({ type: 'waited', nowMs: now(), round: effect.round }), effect.waitMs);
          return;
        case 'progress':
          return onProgress(effect.offset);
        case 'done':
          return end(() => resolve(effect.name));
        case 'failed':
          return end(() => reject(new TransferFailure(effect.status, effect.message, effect.isResumable)));
      }
    };
    input({ type: 'start', nowMs: now() });
  });
}

/** Gets a file into a sink; answers what it is. Rejects as sendFile does; the sink is abandoned then. */
export async function getFile(
  client: UserClient,
  token: string,
  name: string,
  sink: Sink,
  onProgress: (bytes: number, size: number) => void,
): Promise<{ size: number; sha256: string }> {
  const download = newDownload(ANSWER_BYTES_MAX);
  const inputs = new InputQueue<DownloadInput>();
  inputs.push({ type: 'start' });
  const ask = ({ round, offset, mostBytes }: DownloadEffect & { type: 'ask' }): void => {
    client.request('get_file_request', { token, name, offset, mostBytes }).then(
      (answer) => {
        if (answer.ok) inputs.push({ type: 'piece', round, piece: { offset, ...answer } });
        else inputs.push({ type: 'refused', round, status: answer.status, message: answer.message });
      },
      (error: unknown) => inputs.fail(error as Error),
    );
  };
  try {
    for (;;) {
      // One input at a time: while a write waits for the disk, nothing more is asked for.
      for (const effect of stepDownload(download, await inputs.next())) {
        switch (effect.type) {
          case 'ask':
            ask(effect);
            break;
          case 'identify':
            inputs.push({
              type: 'identified',
              offset: await sink.identify(effect.size, effect.sha256, effect.isFresh),
            });
            break;
          case 'write':
            await sink.write(decode(effect.data, effect.length));
            break;
          case 'progress':
            onProgress(effect.offset, effect.size);
            break;
          case 'complete':
            inputs.push({ type: 'verified', isRight: await sink.complete(effect.sha256) });
            break;
          case 'done':
            return { size: effect.size, sha256: effect.sha256 };
          case 'failed':
            throw new TransferFailure(effect.status, effect.message, effect.isResumable);
        }
      }
    }
  } finally {
    await sink.abandon();
  }
}

function decode(data: string, length: number): Buffer {
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length !== length) {
    throw new TransferFailure(500, `the gateway sent ${bytes.length} bytes of data and said ${length}`, false);
  }
  return bytes;
}

/** Inputs in their order, waited for by one reader. */
class InputQueue<T> {
  readonly #inputs: T[] = [];
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  push(input: T): void {
    this.#inputs.push(input);
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#wake?.();
  }

  async next(): Promise<T> {
    for (;;) {
      if (this.#error !== null) throw this.#error;
      const input = this.#inputs.shift();
      if (input !== undefined) return input;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** Milliseconds that never jump. */
function now(): number {
  return performance.now();
}
