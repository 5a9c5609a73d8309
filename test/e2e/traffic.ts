/**
 * Users at work while a cluster changes: they post, read, upload and download until they are told to stop.
 *
 * Lives here: the users, and what came of every request. Does not live here: any change of the cluster, any
 * expectation.
 */
import { randomBytes } from 'node:crypto';
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

/** What a user saw of the last ten posts. */
export interface View {
  readonly startMs: number;
  readonly endMs: number;
  readonly ids: readonly string[];
}

export class Traffic {
  readonly done: Done[] = [];
  /** Acknowledged posts: text → id. */
  readonly posted = new Map<string, string>();
  readonly views: View[] = [];
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

  /** The first user, for looking around after `stop`. */
  get someone(): PlainUser {
    return this.people[0] as PlainUser;
  }

  /** Requests that ended after this moment. */
  since(ms: number): Done[] {
    return this.done.filter(({ endMs }) => endMs >= ms);
  }

  private async talk(person: PlainUser): Promise<void> {
    for (let n = 0; !this.stopping; n += 1) {
      const text = `${person.name} says ${n}`;
      const id = await person.post(text);
      if (id !== null) this.posted.set(text, id);
      await sleep(this.plan.thinkMs);
      const startMs = performance.now();
      const ids = (await person.read()).map((post) => post.id);
      this.views.push({ startMs, endMs: performance.now(), ids });
      await sleep(this.plan.thinkMs);
    }
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
