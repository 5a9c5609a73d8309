/**
 * The one interface behind which the data of every BaaS lives, and its errors. Drivers: lowdb-store.ts (default),
 * memory-store.ts (tests). What may not live here: a file, a driver, anything that knows users, posts or files.
 *
 * Theory. A store is a few named tables of rows, all in memory, and one way to change them: `commit`, a list of changes
 * that takes effect as a whole or not at all. A commit shows in the tables at once, so that the next request is decided
 * on it, and its promise resolves when it is on disk. Nothing may be answered before: neither the request that changed
 * something, nor one that only saw it (`settled`). When the disk refuses, the commit is taken back and so is every
 * later one that was decided on it.
 */

/** A row is never changed in place: put a new one under its key. */
export interface Row {
  readonly key: string;
}

export type Change =
  { readonly table: string; readonly put: Row } | { readonly table: string; readonly remove: string };

/** Data of one BaaS. One owner at a time: see owner.ts. */
export interface Store {
  /** The rows of a table by key, in the order in which their keys were first put. Live: look, do not touch. */
  table<R extends Row>(name: string): ReadonlyMap<string, R>;
  /**
   * All changes or none. In the tables at once; resolves when they are on disk and this store was still the owner then.
   * Rejects with StoreError, the changes taken back.
   */
  commit(changes: readonly Change[]): Promise<void>;
  /** Resolves when everything in the tables is on disk (at once where it is); rejects when it was taken back. */
  settled(): Promise<void> | null;
  /** Throws StoreError `fenced` when another owner has claimed the data; looks at most every OWNER_CHECK_MS. */
  checkOwner(nowMs: number): void;
  /** Writes what is left, makes the readable file current, closes. */
  close(): Promise<void>;
}

export type StoreErrorKind =
  /** the disk is full: nothing was written, reads go on, try again later */
  | 'full'
  /** the disk failed otherwise: the same */
  | 'failed'
  /** another owner has claimed the data: this one never writes again (R50) */
  | 'fenced'
  /** what is on disk cannot be read: the store does not start */
  | 'corrupt'
  | 'closed';

export class StoreError extends Error {
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreError';
    this.kind = kind;
  }
}

/** How often, before it reads or decides on a write, an owner makes sure that it still is the owner, in ms. */
export const OWNER_CHECK_MS = 250;

/**
 * To be awaited before an answer that only reads: then what the tables show is on disk, or what was not is taken back
 * (a full disk ends no reading). Rejects with StoreError `fenced` alone.
 */
export async function readable(store: Store, nowMs: number): Promise<void> {
  try {
    await store.settled();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error; // taken back: the tables show what is left
  }
  store.checkOwner(nowMs);
}

/** What an error of the file system means for a store. `folder` says where, for the sentence. */
export function asStoreError(error: unknown, folder: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StoreError('full', `The disk under ${folder} is full.`, { cause: error });
  }
  return new StoreError('failed', `The disk under ${folder} failed: ${String(error)}`, { cause: error });
}
