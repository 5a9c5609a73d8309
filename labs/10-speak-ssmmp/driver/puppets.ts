/**
 * The instances that an agent under test starts: one puppet each, its strings in the check's hands.
 *
 * Lives here: the control listener, what each puppet told. Does not live here: the puppet itself (puppet.mjs).
 */
import type { Socket } from 'node:net';
import { until } from '../../runner/shell/until.ts';
import { Unmet } from '../../runner/api.ts';
import { LineServer } from './line-server.ts';
import { hear, linesOf } from './wire.ts';
import type { Heard } from './wire.ts';
import { mustBe } from './manager.ts';

const TOLD_MS = 5_000;

/** What a puppet says of its start. */
export interface Started {
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly pid: number;
}

type Told =
  | { readonly started: Started }
  | { readonly dialed: true }
  | { readonly closed: true }
  | { readonly heard: string }
  | { readonly listening: number }
  | { readonly trouble: string };

export class Puppet {
  readonly started: Started;
  readonly heard: Heard[] = [];
  readonly #taken = new Set<Heard>();
  readonly #control: Socket;
  #told: Told[] = [];
  isGone = false;

  constructor(started: Started, control: Socket) {
    this.started = started;
    this.#control = control;
  }

  get service(): string {
    return this.started.args[0] ?? '';
  }

  get id(): number {
    return Number(this.started.args[1]);
  }

  /** Called with what the puppet told. */
  take(told: Told): void {
    if ('heard' in told) this.heard.push(hear(told.heard, 0));
    else this.#told.push(told);
  }

  /** Connects to its agent. */
  async dial(): Promise<void> {
    this.#order({ do: 'dial' });
    await this.#until(
      'the instance connects to port 55556 of its agent',
      (told) => 'dialed' in told || 'trouble' in told,
    );
    const trouble = this.#told.find((told) => 'trouble' in told);
    if (trouble !== undefined)
      throw new Unmet({
        expected: 'an agent that listens on port 55556 of its address',
        came: (trouble as { trouble: string }).trouble,
      });
  }

  /** Says bytes to its agent, as they stand. */
  say(text: string): void {
    this.#order({ do: 'say', bytes: text });
  }

  /** Listens on a port of its address. */
  async listen(port: number): Promise<void> {
    this.#order({ do: 'listen', port });
    await this.#until(`listening on ${port}`, (told) => 'listening' in told);
  }

  exit(code: number): void {
    this.#order({ do: 'exit', code });
  }

  /** Waits until its agent has closed the connection. */
  async closed(what: string): Promise<void> {
    await this.#until(what, (told) => 'closed' in told);
  }

  get wasClosed(): boolean {
    return this.#told.some((told) => 'closed' in told);
  }

  /** Forgets earlier closings, before it dials again. */
  forget(): void {
    this.#told = [];
  }

  /** Waits for exactly this message from its agent. */
  async exactly(text: string): Promise<void> {
    const wanted = hear(text.trimEnd(), 0);
    const same = (heard: Heard): boolean =>
      heard.type === wanted.type && heard.id === wanted.id && !this.#taken.has(heard);
    const what = `${wanted.type} with message_id ${wanted.id} at ${this.service}/${this.id}`;
    const heard = await until(what, () => this.heard.find(same), TOLD_MS);
    this.#taken.add(heard);
    mustBe(
      heard,
      linesOf(text),
      this.heard.map(({ text: line }) => `  agent → ${this.service}/${this.id}  ${line}`).join('\n'),
    );
  }

  #order(order: Readonly<Record<string, string | number>>): void {
    this.#control.write(`${JSON.stringify(order)}\n`);
  }

  #until(what: string, is: (told: Told) => boolean): Promise<Told> {
    return until(what, () => this.#told.find(is), TOLD_MS);
  }
}

export class Puppets {
  readonly all: Puppet[] = [];
  #server: LineServer | null = null;

  /** Gives the port that control.json must name. */
  async listen(host: string): Promise<number> {
    const of = new Map<Socket, Puppet>();
    this.#server = await LineServer.listen(host, 0, {
      onLine: (line, socket) => {
        const told = JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as Told;
        if ('started' in told) {
          const puppet = new Puppet(told.started, socket);
          of.set(socket, puppet);
          this.all.push(puppet);
        } else of.get(socket)?.take(told);
      },
      onClose: (socket) => {
        const puppet = of.get(socket);
        if (puppet !== undefined) puppet.isGone = true;
      },
    });
    return this.#server.port;
  }

  /** Waits for the process of an instance. */
  async started(id: number): Promise<Puppet> {
    return await until(`a process for instance ${id}`, () => this.all.find((puppet) => puppet.id === id), TOLD_MS);
  }

  /** Every puppet ends when its strings are cut. */
  async close(): Promise<void> {
    await this.#server?.close();
  }
}
