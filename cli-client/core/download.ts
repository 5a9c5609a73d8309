/**
 * Getting a file piece by piece, as a pure state machine: a window of requests under way, pieces put into order, a
 * partial file gone on with, a file that changes meanwhile. No file, no socket, no hash: the shell (shell/transfer.ts)
 * asks, writes and verifies.
 *
 * Theory. Every answer names size and SHA-256 of the whole file, so the first one identifies it: a partial file of the
 * same SHA-256 can be gone on with, and an answer with another SHA-256 means that the owner has sent the name again
 * meanwhile; then all begins anew. Pieces may come in another order and shorter than asked.
 */

/** Requests under way at once. With 128 KiB each this is 512 KiB, base64 not counted. */
export const DOWNLOAD_WINDOW = 4;
/** So often a file may change under a download before it is given up. */
export const DOWNLOAD_CHANGES_MAX = 3;

export interface Piece {
  readonly offset: number;
  /** base64 */
  readonly data: string;
  readonly nextOffset: number;
  readonly size: number;
  readonly sha256: string;
}

export type DownloadInput =
  | { readonly type: 'start' }
  | { readonly type: 'piece'; readonly round: number; readonly piece: Piece }
  /** The answer to `identify`: so many bytes of this very file are here already (0 when none). */
  | { readonly type: 'identified'; readonly offset: number }
  | { readonly type: 'refused'; readonly round: number; readonly status: number; readonly message: string }
  /** The answer to `complete`. */
  | { readonly type: 'verified'; readonly isRight: boolean };

export type DownloadEffect =
  | { readonly type: 'ask'; readonly round: number; readonly offset: number; readonly mostBytes: number }
  /** Look for a partial file of this content (not when `isFresh`), else start an empty one; answer with identified. */
  | { readonly type: 'identify'; readonly size: number; readonly sha256: string; readonly isFresh: boolean }
  /** Append; `offset` is where the file ends now. */
  | { readonly type: 'write'; readonly offset: number; readonly length: number; readonly data: string }
  | { readonly type: 'progress'; readonly offset: number; readonly size: number }
  /** All bytes are written: compare the SHA-256; answer with verified. */
  | { readonly type: 'complete'; readonly sha256: string }
  | { readonly type: 'done'; readonly size: number; readonly sha256: string }
  | { readonly type: 'failed'; readonly status: number; readonly message: string; readonly isResumable: boolean };

export interface Download {
  readonly window: number;
  mostBytes: number;
  phase: 'new' | 'first' | 'identifying' | 'getting' | 'verifying' | 'over';
  round: number;
  size: number;
  sha256: string;
  /** All before it is written. */
  written: number;
  /** All before it is asked for. */
  asked: number;
  /** Pieces that came before their turn, by offset. */
  readonly held: Map<number, Piece>;
  /** Offsets that are asked for and not answered. */
  readonly underWay: Set<number>;
  /** Do not go on with a partial file: it turned out to be wrong. */
  isFresh: boolean;
  /** Whether bytes of an older run are part of what is verified. */
  isResumed: boolean;
  changes: number;
}

export function newDownload(mostBytes: number, window = DOWNLOAD_WINDOW): Download {
  return {
    window,
    mostBytes,
    phase: 'new',
    round: 0,
    size: 0,
    sha256: '',
    written: 0,
    asked: 0,
    held: new Map(),
    underWay: new Set(),
    isFresh: false,
    isResumed: false,
    changes: 0,
  };
}

/** Changes `download` by one input; perform the effects in their order. Never throws. */
export function stepDownload(download: Download, input: DownloadInput): DownloadEffect[] {
  const effects: DownloadEffect[] = [];
  if (download.phase === 'over') return effects;
  if ('round' in input && input.round !== download.round) return effects; // asked before a new start
  switch (input.type) {
    case 'start':
      askFirst(download, effects);
      break;
    case 'piece':
      take(download, input.piece, effects);
      break;
    case 'identified':
      download.isResumed = input.offset > 0;
      download.written = input.offset;
      if (input.offset > 0) download.held.clear(); // what came first starts at 0
      download.phase = 'getting';
      download.asked = Math.max(download.written, heldEnd(download));
      writeHeld(download, effects);
      break;
    case 'refused':
      // Behind the end of a file that has become shorter meanwhile there is nothing to ask for.
      if (download.phase === 'getting' && (input.status === 400 || input.status === 409)) startAnew(download, effects);
      else {
        const { status, message } = input;
        effects.push({ type: 'failed', status, message, isResumable: download.written > 0 });
        download.phase = 'over';
      }
      break;
    case 'verified':
      verify(download, input.isRight, effects);
      break;
  }
  return effects;
}

function take(download: Download, piece: Piece, effects: DownloadEffect[]): void {
  const isFirst = download.phase === 'first';
  if (!isFirst && (piece.sha256 !== download.sha256 || piece.size !== download.size)) {
    startAnew(download, effects);
    return;
  }
  if (piece.nextOffset < piece.offset || piece.nextOffset > piece.size) {
    fail(download, effects, `the gateway sent bytes ${piece.offset} to ${piece.nextOffset} of a file of ${piece.size}`);
    return;
  }
  download.underWay.delete(piece.offset);
  download.held.set(piece.offset, piece);
  if (isFirst) {
    download.size = piece.size;
    download.sha256 = piece.sha256;
    download.phase = 'identifying';
    effects.push({ type: 'identify', size: piece.size, sha256: piece.sha256, isFresh: download.isFresh });
  } else writeHeld(download, effects);
}

/** Writes what is next in order and asks for more. */
function writeHeld(download: Download, effects: DownloadEffect[]): void {
  for (;;) {
    const piece = download.held.get(download.written);
    if (piece === undefined) break;
    download.held.delete(piece.offset);
    if (piece.nextOffset === piece.offset && piece.offset < download.size) {
      fail(download, effects, `the gateway sent no data for offset ${piece.offset} of a file of ${download.size}`);
      return;
    }
    const length = piece.nextOffset - piece.offset;
    if (length > 0) effects.push({ type: 'write', offset: piece.offset, length, data: piece.data });
    download.written = piece.nextOffset;
    const isAwaited = download.underWay.has(download.written) || download.held.has(download.written);
    const isShort = download.written < download.asked && !isAwaited;
    if (isShort) {
      // Less than asked: what is under way does not fit behind it. Ask from here on for as much as one answer holds.
      download.mostBytes = length;
      download.round += 1;
      download.held.clear();
      download.underWay.clear();
      download.asked = download.written;
    }
  }
  effects.push({ type: 'progress', offset: download.written, size: download.size });
  if (download.written === download.size) {
    download.phase = 'verifying';
    effects.push({ type: 'complete', sha256: download.sha256 });
    return;
  }
  const until = Math.min(download.size, download.written + download.window * download.mostBytes);
  while (download.asked < until) {
    ask(download, effects);
    download.asked = Math.min(download.size, download.asked + download.mostBytes);
  }
}

function ask(download: Download, effects: DownloadEffect[]): void {
  download.underWay.add(download.asked);
  effects.push({ type: 'ask', round: download.round, offset: download.asked, mostBytes: download.mostBytes });
}

/** The name stands for another file now. */
function startAnew(download: Download, effects: DownloadEffect[]): void {
  download.changes += 1;
  if (download.changes <= DOWNLOAD_CHANGES_MAX) askFirst(download, effects);
  else fail(download, effects, 'the file was replaced again and again while it was being fetched');
}

function askFirst(download: Download, effects: DownloadEffect[]): void {
  download.round += 1;
  download.phase = 'first';
  download.held.clear();
  download.underWay.clear();
  download.written = 0;
  download.asked = 0;
  ask(download, effects);
}

function verify(download: Download, isRight: boolean, effects: DownloadEffect[]): void {
  if (isRight) {
    download.phase = 'over';
    effects.push({ type: 'done', size: download.size, sha256: download.sha256 });
  } else if (download.isResumed) {
    // The bytes of the older run may be the wrong ones: once more without them.
    download.isFresh = true;
    askFirst(download, effects);
  } else {
    fail(download, effects, 'what was fetched does not have the SHA-256 that the gateway named');
  }
}

function heldEnd(download: Download): number {
  let end = 0;
  for (const piece of download.held.values()) end = Math.max(end, piece.nextOffset);
  return end;
}

function fail(download: Download, effects: DownloadEffect[], message: string): void {
  download.phase = 'over';
  effects.push({ type: 'failed', status: 500, message, isResumable: false });
}
