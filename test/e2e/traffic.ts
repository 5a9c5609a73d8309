/**
 * Users at work while a cluster changes: they post, read, upload and download until they are told to stop.
 *
 * Lives here: the users, and what came of every request. Does not live here: any change of the cluster, any
 * expectation.
 */
import { randomBytes } from 'node:crypto';
import type { History, Operation, SeenPost } from '../../load/core/history.ts';
import { PlainUser, sleep, type Addresses, type Done } from './plain-user.ts';

const PASSWORD = 'correct horse battery';

export interface TrafficPlan {
  /** Who post and read. */
  readonly users: number;
  /** Who log in and out, and register anew. */
  readonly comers: number;
  readonly uploads: number;
  readonly downloads: number;
  readonly fileBytes: number;
  /** Between two requests of a user. */
  readonly thinkMs: number;
}

/** Every post starts with it. */
const PREFIX = 'traffic ';

type Draft = Operation extends infer One ? (One extends Operation ? Omit<One, 'id' | 'endMs'> : never) : never;

export class Traffic {
  readonly done: Done[] = [];
  /** Acknowledged posts: text → id. */
  readonly posted = new Map<string, string>();
  private readonly operations: Operation[] = [];
  private readonly seen = new Map<string, SeenPost>();
  /** Files that were not what they should be, in words. */
  readonly wrongFiles: string[] = [];
  files = 0;
  private readonly plan: TrafficPlan;
  private readonly people: PlainUser[];
  private stopping = false;
  private work: Promise<unknown> = Promise.resolve();

  constructor(gateways: Addresses, plan: TrafficPlan) {
    this.plan = plan;
    const count = plan.users + plan.comers + plan.uploads + plan.downloads;
    this.people = Array.from(
      { length: count },
      (_, at) => new PlainUser(`user-${at}`, gateways, (done) => void this.done.push(done)),
    );
  }

  /** Resolves when all are logged in and at work. */
  async start(): Promise<void> {
    for (const person of this.people) await person.enter(PASSWORD);
    const { users, comers, uploads } = this.plan;
    this.work = Promise.all(
      this.people.map((person, at) => {
        if (at < users) return this.talk(person);
        if (at < users + comers) return this.comeAndGo(person);
        return at < users + comers + uploads ? this.send(person) : this.get(person);
      }),
    );
  }

  /** Lets everybody finish what is under way. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.work;
  }

  close(): void {
    for (const person of this.people) person.close();
  }

  /** Posts and views, for the history checker. */
  get history(): History {
    return { prefix: PREFIX, operations: this.operations };
  }

  /** Resolves when every request that began before this moment has its last answer. */
  async settled(ms: number): Promise<void> {
    while (this.people.some(({ busySinceMs }) => busySinceMs !== null && busySinceMs < ms)) await sleep(5);
  }

  /** Requests that ended after this moment. */
  since(ms: number): Done[] {
    return this.done.filter(({ endMs }) => endMs >= ms);
  }

  private async talk(person: PlainUser): Promise<void> {
    for (let n = 0; !this.stopping; n += 1) {
      await this.post(person, `${PREFIX}${person.name} says ${n}`);
      await sleep(this.plan.thinkMs);
      await this.view(person);
      await sleep(this.plan.thinkMs);
    }
  }

  private async post(person: PlainUser, text: string): Promise<void> {
    const invokeMs = performance.now();
    const postId = await person.post(text);
    if (postId !== null) this.posted.set(text, postId);
    this.note({ kind: 'post', user: person.name, invokeMs, outcome: postId === null ? 'unknown' : 'ok', text, postId });
  }

  private async view(person: PlainUser): Promise<void> {
    const invokeMs = performance.now();
    const posts = await person.read();
    this.note({
      kind: 'read',
      user: person.name,
      invokeMs,
      outcome: posts === null ? 'unknown' : 'ok',
      posts: posts?.map((post) => this.intern(post)) ?? null,
    });
  }

  private note(draft: Draft): void {
    this.operations.push({ ...draft, id: this.operations.length + 1, endMs: performance.now() } as Operation);
  }

  /** The same object for the same post: a long run has a million of them in its views. */
  private intern(post: SeenPost): SeenPost {
    const known = this.seen.get(post.postId);
    if (known === undefined) this.seen.set(post.postId, post);
    else if (known.text === post.text && known.user === post.user && known.time === post.time) return known;
    return post;
  }

  private async comeAndGo(person: PlainUser): Promise<void> {
    for (let n = 0; !this.stopping; n += 1) {
      await person.request('logout_request', person.token);
      await person.request('registration_request', `${person.name}-${n}`, PASSWORD);
      const login = await person.request('login_request', `${person.name}-${n}`, PASSWORD);
      person.token = login.lines[0] ?? '';
      await sleep(this.plan.thinkMs);
    }
  }

  private async send(person: PlainUser): Promise<void> {
    for (let n = 0; !this.stopping; n += 1) await this.sendOne(person, `file-${n}`, () => sleep(this.plan.thinkMs));
  }

  private async get(person: PlainUser): Promise<void> {
    const data = await this.sendOne(person, 'mine', () => Promise.resolve());
    while (!this.stopping) await this.getOne(person, 'mine', data, () => sleep(this.plan.thinkMs));
  }

  private async sendOne(person: PlainUser, name: string, pause: () => Promise<void>): Promise<Buffer> {
    const data = randomBytes(this.plan.fileBytes);
    const status = await person.upload(name, data, pause);
    if (status !== 200) this.wrongFiles.push(`${person.name} ${name}: the upload ended with ${status}`);
    else await this.getOne(person, name, data, () => Promise.resolve());
    return data;
  }

  private async getOne(person: PlainUser, name: string, data: Buffer, pause: () => Promise<void>): Promise<void> {
    const back = await person.download(name, pause);
    this.files += 1;
    if (back === null || !back.equals(data)) this.wrongFiles.push(`${person.name} ${name}: is not what was sent`);
  }
}
