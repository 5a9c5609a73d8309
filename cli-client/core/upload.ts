/**
 * Sending a file in chunks, as a pure state machine: begin, a window of chunks under way, end; and what to do when the
 * store has another offset than we thought. No file, no socket: the shell (shell/transfer.ts) reads and sends.
 *
 * Theory. The store alone knows how much it has. What `begin` answers is on disk; a chunk's 200 is not yet, so a store
 * that fails may come back with less than we were told, and says so with 409 and the right offset. Then everything that
 * is under way is worthless: a new round starts at the offset the store has, and answers that belong to an older
 * round are ignored. A begin or end is repeated by the connection (core/exchange.ts) with its Operation_id; chunks are
 * not, since the offset already makes them safe to send again and a new round is the better repetition.
 */

/** Chunks under way at once. With 32 KiB each this is 512 KiB, base64 not counted. */
export const UPLOAD_WINDOW = 16;
/** So long without a new byte stored, and the upload is given up; it can be gone on with later. */
export const UPLOAD_STALL_MS = 15_000;
/** Before a new round when the answer does not say how long to wait. */
export const UPLOAD_WAIT_MS = 200;

export type UploadInput = { readonly nowMs: number } & (
  | { readonly type: 'start' }
  | { readonly type: 'begun'; readonly round: number; readonly uploadId: string; readonly offset: number }
  | { readonly type: 'stored'; readonly round: number; readonly nextOffset: number }
  | { readonly type: 'ended'; readonly name: string }
  | {
      readonly type: 'refused';
      readonly round: number;
      readonly request: 'begin' | 'chunk' | 'end';
      readonly status: number;
      readonly message: string;
      /** Line 4, read as a number: an offset with 409, milliseconds with 503. */
      readonly data: number | null;
    }
  | { readonly type: 'waited'; readonly round: number }
);

export type UploadEffect =
  | { readonly type: 'begin'; readonly round: number }
  | {
      readonly type: 'chunk';
      readonly round: number;
      readonly uploadId: string;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly type: 'end'; readonly round: number; readonly uploadId: string }
  /** Answer with `waited` after so long. */
  | { readonly type: 'wait'; readonly round: number; readonly waitMs: number }
  /** So many bytes of the file are stored. */
  | { readonly type: 'progress'; readonly offset: number }
  | { readonly type: 'done'; readonly name: string }
  | {
      readonly type: 'failed';
      readonly status: number;
      readonly message: string;
      /** Whether sending the file again would go on where this stopped. */
      readonly isResumable: boolean;
    };

export interface Upload {
  readonly size: number;
  readonly chunkBytes: number;
  readonly window: number;
  phase: 'new' | 'beginning' | 'sending' | 'ending' | 'waiting' | 'over';
  round: number;
  uploadId: string;
  /** The store has all before it, as far as we were told. */
  stored: number;
  /** Chunks before it are sent. */
  sent: number;
  /** Chunks of this round without an answer. */
  underWay: number;
  /** The most that was ever stored, and since when. */
  best: number;
  bestAtMs: number;
  /** Whether the round that a wait leads to begins anew or goes on with the same upload. */
  next: 'begin' | 'send';
}

export function newUpload(size: number, chunkBytes: number, window = UPLOAD_WINDOW): Upload {
  return {
    size,
    chunkBytes,
    window,
    phase: 'new',
    round: 0,
    uploadId: '',
    stored: 0,
    sent: 0,
    underWay: 0,
    best: -1,
    bestAtMs: 0,
    next: 'begin',
  };
}

/** Changes `upload` by one input; perform the effects in their order. Never throws. */
export function stepUpload(upload: Upload, input: UploadInput): UploadEffect[] {
  const effects: UploadEffect[] = [];
  if (upload.phase === 'over') return effects;
  if ('round' in input && input.round !== upload.round) return effects; // an older round
  switch (input.type) {
    case 'start':
      upload.bestAtMs = input.nowMs;
      startRound(upload, effects);
      break;
    case 'begun':
      upload.uploadId = input.uploadId;
      if (input.offset > upload.size) return fail(upload, 409, beyond(input.offset, upload.size), false);
      goOnFrom(upload, input.offset, input.nowMs, effects);
      break;
    case 'stored':
      upload.underWay -= 1;
      // Less than we know of is an answer out of order; more than we sent are bytes that begin did not promise yet.
      if (input.nextOffset > upload.stored && input.nextOffset <= upload.size) {
        upload.sent = Math.max(upload.sent, input.nextOffset);
        noteStored(upload, input.nextOffset, input.nowMs, effects);
        sendMore(upload, effects);
      }
      if (upload.phase === 'sending' && upload.underWay === 0) {
        const message = `the gateway took all chunks up to ${upload.sent} and says that it has ${upload.stored}`;
        again(upload, input.nowMs, 500, message, UPLOAD_WAIT_MS, effects);
      }
      break;
    case 'ended':
      upload.phase = 'over';
      effects.push({ type: 'done', name: input.name });
      break;
    case 'refused':
      refuse(upload, input, effects);
      break;
    case 'waited':
      if (upload.phase !== 'waiting') break;
      if (upload.next === 'begin') startRound(upload, effects);
      else goOnFrom(upload, upload.stored, input.nowMs, effects);
      break;
  }
  return effects;
}

function refuse(upload: Upload, input: UploadInput & { readonly type: 'refused' }, effects: UploadEffect[]): void {
  const { request, status, message, data, nowMs } = input;
  const isBusy = status === 503 || status === 504;
  const isOtherOffset = status === 409 && request !== 'begin';
  const isGone = status === 404 && request !== 'begin';
  const canGoOn = (isBusy && request === 'chunk') || isOtherOffset || isGone;
  if (!canGoOn) {
    // 422: the store has dropped the upload. Anything else leaves what is stored for the next time.
    effects.push(...fail(upload, status, message, status !== 422 && upload.uploadId !== ''));
    return;
  }
  again(upload, nowMs, status, message, isBusy ? (data ?? UPLOAD_WAIT_MS) : UPLOAD_WAIT_MS, effects);
  if (isOtherOffset && data !== null && data <= upload.size) {
    upload.next = 'send';
    upload.stored = data;
  }
}

/** A new round after a wait, from begin on, unless nothing new has been stored for too long. */
function again(
  upload: Upload,
  nowMs: number,
  status: number,
  message: string,
  waitMs: number,
  effects: UploadEffect[],
): void {
  if (nowMs - upload.bestAtMs >= UPLOAD_STALL_MS) {
    effects.push(...fail(upload, status, message, true));
    return;
  }
  upload.round += 1;
  upload.phase = 'waiting';
  upload.next = 'begin';
  effects.push({ type: 'wait', round: upload.round, waitMs });
}

function startRound(upload: Upload, effects: UploadEffect[]): void {
  upload.round += 1;
  upload.phase = 'beginning';
  effects.push({ type: 'begin', round: upload.round });
}

function goOnFrom(upload: Upload, offset: number, nowMs: number, effects: UploadEffect[]): void {
  upload.phase = 'sending';
  upload.sent = offset;
  upload.underWay = 0;
  noteStored(upload, offset, nowMs, effects);
  sendMore(upload, effects);
}

function noteStored(upload: Upload, offset: number, nowMs: number, effects: UploadEffect[]): void {
  upload.stored = offset;
  if (offset > upload.best) {
    upload.best = offset;
    upload.bestAtMs = nowMs;
  }
  effects.push({ type: 'progress', offset });
}

function sendMore(upload: Upload, effects: UploadEffect[]): void {
  if (upload.stored === upload.size) {
    upload.phase = 'ending';
    effects.push({ type: 'end', round: upload.round, uploadId: upload.uploadId });
    return;
  }
  const until = Math.min(upload.size, upload.stored + upload.window * upload.chunkBytes);
  while (upload.sent < until) {
    const length = Math.min(upload.chunkBytes, upload.size - upload.sent);
    const { round, uploadId, sent: offset } = upload;
    effects.push({ type: 'chunk', round, uploadId, offset, length });
    upload.sent += length;
    upload.underWay += 1;
  }
}

function fail(upload: Upload, status: number, message: string, isResumable: boolean): UploadEffect[] {
  upload.phase = 'over';
  return [{ type: 'failed', status, message, isResumable }];
}

function beyond(offset: number, size: number): string {
  return `the gateway says that it has ${offset} bytes of a file of ${size}`;
}
