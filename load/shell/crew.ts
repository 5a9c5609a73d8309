/**
 * A few users at work until they are told to stop: the load of a demo.
 *
 * Lives here: who works, and the record of it. Does not live here: what a user does (user.ts), what the record proves
 * (core/checker.ts), measuring for its own sake (run.ts).
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Operation, SeenPost } from '../core/history.ts';
import type { History } from '../core/history.ts';
import { Chance, fileBytes } from '../core/work.ts';
import { LoadUser, type Notes } from './user.ts';
import { UserLink, type Gateways } from './user-link.ts';

const PASSWORD = 'a password for the demo';
const THINK_MS = 15;
const FILE_BYTES = 400_000;

export interface CrewPlan {
  /** Each posts, reads, posts … */
  readonly users: number;
  /** Each only reads: whoever posts and reads in turn stops reading while a post waits. */
  readonly readers: number;
  /** Each sends files and gets them back. */
  readonly senders: number;
  readonly gateways: Gateways;
}

export class Crew implements Notes {
  readonly operations: Operation[] = [];
  /** Requests that were answered with neither 200 nor, in the end, anything. */
  readonly errors: { readonly type: string; readonly status: number; readonly atMs: number }[] = [];
  /** Requests that were sent again, with the time of their answer. */
  readonly repeated: { readonly type: string; readonly atMs: number }[] = [];
  readonly #links: UserLink[];
  readonly #users: LoadUser[];
  readonly #readers: number;
  readonly #senders: number;
  readonly #prefix = `demo ${randomBytes(4).toString('hex')} `;
  readonly #seen = new Map<string, SeenPost>();
  #texts = 0;
  #isOver = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor({ users, readers, senders, gateways }: CrewPlan) {
    const name = `demo-${randomBytes(3).toString('hex')}`;
    const count = users + readers + senders;
    this.#links = Array.from({ length: count }, (_, at) => new UserLink(gateways, at, () => this.now()));
    this.#users = this.#links.map((link, at) => new LoadUser(`${name}-${at}`, link, this));
    this.#readers = readers;
    this.#senders = senders;
  }

  now(): number {
    return performance.now();
  }

  measured({ type, status, atMs, repeats }: Parameters<Notes['measured']>[0]): void {
    if (status !== 200) this.errors.push({ type, status, atMs });
    if (repeats > 0) this.repeated.push({ type, atMs });
  }

  add(operation: Parameters<Notes['add']>[0]): void {
    this.operations.push({ ...operation, id: this.operations.length + 1 } as Operation);
  }

  nextText(): string {
    this.#texts += 1;
    return `${this.#prefix}${this.#texts}`;
  }

  intern(post: SeenPost): SeenPost {
    const known = this.#seen.get(post.postId);
    if (known === undefined) this.#seen.set(post.postId, post);
    else if (known.user === post.user && known.time === post.time && known.text === post.text) return known;
    return post;
  }

  /** Logs everybody in and lets them work; resolves when each has done something. Rejects with a sentence. */
  async start(): Promise<void> {
    const wrong = await Promise.all(this.#users.map((user) => user.enter(PASSWORD)));
    const [first] = wrong.filter((sentence) => sentence !== null);
    if (first !== undefined) throw new Error(first);
    const firstSender = this.#users.length - this.#senders;
    const firstReader = firstSender - this.#readers;
    this.#work = Promise.all(
      this.#users.map((user, at) =>
        at < firstReader ? this.#talk(user) : at < firstSender ? this.#readOnly(user) : this.#send(user, at),
      ),
    );
    while (new Set(this.operations.map(({ user }) => user)).size < this.#users.length) await sleep(THINK_MS);
  }

  /** Lets everybody finish what is under way and read once more. */
  async stop(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#work;
    await this.#users[0]?.read();
    for (const link of this.#links) link.close();
  }

  /** Ends at once; what is under way has no answer then. */
  close(): void {
    this.#isOver = true;
    for (const link of this.#links) link.close();
  }

  get history(): History {
    return { prefix: this.#prefix, operations: this.operations };
  }

  /** Operations that ended after this moment. */
  since(ms: number): Operation[] {
    return this.operations.filter(({ endMs }) => endMs >= ms);
  }

  async #talk(user: LoadUser): Promise<void> {
    while (!this.#isOver) {
      await user.post();
      await sleep(THINK_MS);
      await user.read();
      await sleep(THINK_MS);
    }
  }

  async #readOnly(user: LoadUser): Promise<void> {
    while (!this.#isOver) {
      await user.read();
      await sleep(THINK_MS);
    }
  }

  async #send(user: LoadUser, at: number): Promise<void> {
    const chance = new Chance(at);
    for (let n = 0; !this.#isOver; n += 1) {
      await user.file(`demo-${n}.bin`, fileBytes(FILE_BYTES, chance));
      await sleep(THINK_MS);
    }
  }
}
