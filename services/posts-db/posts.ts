/**
 * Posts: appended, never changed; the last ten always at hand. What may not live here: requests (service.ts) and the
 * files into which old posts move (archive.ts).
 *
 * Theory. The last ten are asked for far more often than they change. So their answer is kept as text and made anew at
 * the first question after a change: a read costs no row and no encoding. A post enters it when it is on disk, so
 * nobody reads what a crash could take back.
 */

import { encodeLastPostsStored, type AppendPost } from '../protocols/posts.ts';
import { LAST_POSTS_MAX, okRest, type Post } from '../protocols/user.ts';
import { digestOf, storeRefusal, type Operations } from '../store/operations.ts';
import type { Change, Row, Store } from '../store/store.ts';
import type { Archive, PostRow } from './archive.ts';

/** One row a file of old posts; `key` is its name. */
interface ArchiveRow extends Row {
  readonly from: string;
  readonly to: string;
  readonly posts: number;
}

const POSTS = 'posts';
const ARCHIVES = 'archives';
/** When the store holds more posts than this, the oldest half of that move to a file of their own. */
export const POSTS_IN_STORE_MAX = 10_000;

export interface PostsOptions {
  readonly store: Store;
  readonly operations: Operations;
  readonly serviceName: string;
  readonly now: () => number;
  /** Null: old posts stay in the store. */
  readonly archive: Archive | null;
  readonly warn: (sentence: string) => void;
  readonly inStoreMax?: number;
}

export class Posts {
  readonly #options: PostsOptions;
  /** Newest last; all on disk. */
  readonly #last: Post[];
  #lastAnswer: string | null = null;
  #nextId: number;
  #newestMs: number;
  #inStoreMax: number;
  #moving: Promise<void> | null = null;

  constructor(options: PostsOptions) {
    this.#options = options;
    this.#inStoreMax = options.inStoreMax ?? POSTS_IN_STORE_MAX;
    this.#last = [...options.store.table<PostRow>(POSTS).values()].slice(-LAST_POSTS_MAX).map(shown);
    const newest = this.#last.at(-1);
    this.#nextId = newest === undefined ? 1 : Number(newest.post_id) + 1;
    this.#newestMs = newest === undefined ? 0 : Date.parse(newest.time);
  }

  append(request: AppendPost): Promise<string> {
    const { store, operations, now } = this.#options;
    return operations.once({ ...request, content: digestOf('post', request.text) }, () => {
      this.#newestMs = Math.max(this.#newestMs, now()); // times never go back, so that they order the posts
      const time = new Date(this.#newestMs).toISOString();
      const put: PostRow = { key: String(this.#nextId), user: request.user, time, text: request.text };
      this.#nextId += 1;
      return {
        changes: [{ table: POSTS, put }],
        answer: okRest([put.key]),
        stored: () => this.#stored(store.table<PostRow>(POSTS).get(put.key)!),
      };
    });
  }

  /** The answer to last_posts_request. */
  last(): string {
    const { store, serviceName, now } = this.#options;
    try {
      store.checkOwner(now());
    } catch (error) {
      return storeRefusal(error, serviceName);
    }
    this.#lastAnswer ??= encodeLastPostsStored([...this.#last].reverse());
    return this.#lastAnswer;
  }

  async close(): Promise<void> {
    await this.#moving;
    await this.#options.store.close();
  }

  #stored(row: PostRow): void {
    this.#last.push(shown(row));
    if (this.#last.length > LAST_POSTS_MAX) this.#last.shift();
    this.#lastAnswer = null;
    if (this.#options.archive === null || this.#moving !== null) return;
    if (this.#options.store.table(POSTS).size > this.#inStoreMax) {
      this.#moving = this.#moveOld(this.#options.archive).finally(() => (this.#moving = null));
    }
  }

  /** Never rejects: what could not be moved stays where it is. */
  async #moveOld(archive: Archive): Promise<void> {
    const { store } = this.#options;
    const half = Math.ceil(this.#inStoreMax / 2);
    const rows: PostRow[] = [];
    for (const row of store.table<PostRow>(POSTS).values()) {
      if (rows.push(row) >= half) break;
    }
    try {
      const key = await archive.write(rows);
      const put: ArchiveRow = { key, from: rows[0]!.key, to: rows.at(-1)!.key, posts: rows.length };
      const removed: Change[] = rows.map((row) => ({ table: POSTS, remove: row.key }));
      await store.commit([...removed, { table: ARCHIVES, put }]);
    } catch (error) {
      this.#inStoreMax += half; // not at once again
      this.#options.warn(`old posts could not be moved to a file of their own: ${String(error)}`);
    }
  }
}

/** The names of the files that the store knows. */
export function archivesOf(store: Store): { has(name: string): boolean } {
  return store.table(ARCHIVES);
}

function shown(row: PostRow): Post {
  return { post_id: row.key, user: row.user, time: row.time, text: row.text };
}
