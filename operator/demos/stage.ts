/**
 * What every demo stands on: a testbed, its users, its events.
 *
 * Lives here: asking the testbed, doing faults, waiting for something to happen, judging what users saw. Does not live here:
 * any demo, starting a testbed (shell/demo-testbed.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultRecord, FaultRequest } from '../../faults/core/fault.ts';
import { checkHistory } from '../../load/core/checker.ts';
import type { Operation } from '../../load/core/history.ts';
import { Crew } from '../../load/shell/crew.ts';
import type { Gateway } from '../../load/shell/user-link.ts';
import { fact, withinMs } from '../core/demo-report.ts';
import type { Measure } from '../core/demo-report.ts';
import { eventText } from '../core/event-text.ts';
import type { OperatorEvent } from '../core/event-text.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { InstanceRow, NodeRow } from '../core/rows.ts';
import { instanceName } from '../core/tables.ts';
import { readClusterFile } from '../shell/cluster-file.ts';
import { FrontClient } from '../shell/front-client.ts';
import { OperatorClient } from '../shell/operator-client.ts';
import { styleFor, tell } from '../shell/output.ts';
import type { Settings } from '../shell/settings.ts';
import { findProcesses, signalGroup } from '../shell/testbed-processes.ts';

const LOOK_MS = 10;
/** A Manager that is gone is asked for its events again this often. */
const AGAIN_MS = 50;
/** Whatever a demo waits for has come by then, or never will. */
const WAIT_MS_MAX = 20_000;
const USERS = 4;

export interface Demo {
  readonly name: string;
  readonly title: string;
  /** What will happen, for people. */
  readonly story: readonly string[];
  /** Files are damaged: never on a testbed that somebody else uses. */
  readonly needsOwn: boolean;
  /** Users who send files, and users who only read, beside those who post and read in turn. */
  readonly senders: number;
  readonly readers: number;
  run(stage: Stage): Promise<Measure[]>;
}

export class Stage {
  readonly settings: Settings;
  readonly client: OperatorClient;
  readonly front: FrontClient;
  readonly crew: Crew;
  readonly #events: { readonly event: OperatorEvent; readonly atMs: number }[] = [];
  #faults: string[] = [];
  #starting: Promise<FaultRecord | null> = Promise.resolve(null);
  #isOver = false;
  #unwatch: () => void = () => undefined;

  constructor(settings: Settings, { readers, senders }: Pick<Demo, 'readers' | 'senders'>) {
    this.settings = settings;
    this.client = new OperatorClient(settings);
    this.front = new FrontClient(settings);
    this.crew = new Crew({ users: USERS, readers, senders, gateways: () => this.gateways() });
  }

  /** The gateways that users find now. */
  gateways(): Gateway[] {
    const rows = readClusterFile(this.settings.stateDir)?.gateways ?? [];
    return rows.length === 0
      ? [{ host: '127.0.0.1', port: 1 }]
      : rows.map(({ address: host, port }) => ({ host, port }));
  }

  /** Watches the events and puts the users to work. */
  async begin(): Promise<void> {
    this.#watch();
    await this.crew.start();
  }

  /** Undoes what is still broken, lets the users finish, and judges what they saw. */
  async end(): Promise<Measure[]> {
    await this.undo();
    await this.crew.stop();
    const wrong = checkHistory(this.crew.history);
    const operations = `${this.crew.operations.length} operations`;
    return [fact('nothing is lost, nothing there twice', wrong === null ? operations : wrong.sentence, wrong === null)];
  }

  /** Ends everything, whatever happened. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#unwatch();
    await this.#starting; // one that is on its way is undone too
    await this.undo().catch(() => null); // the testbed is gone, and its faults with it
    this.crew.close();
  }

  say(text: string): void {
    tell(styleFor(process.stderr).heading(`» ${text}`));
  }

  async fault(request: FaultRequest): Promise<FaultRecord> {
    if (this.#isOver) throw new OperatorError(EXIT.failed, 'the demo is over: nothing more is broken');
    const starting = this.front.start(request).then((record) => {
      this.#faults.push(record.id);
      return record;
    });
    this.#starting = starting.catch(() => null); // told to who asked
    return await starting;
  }

  /** Undoes the faults of this demo, the youngest first. */
  async undo(): Promise<void> {
    for (const id of this.#faults.reverse()) await this.front.undo(id);
    this.#faults = [];
  }

  /** SIGKILL to an instance, past all protocol; the moment it was sent. */
  kill(isIt: (process: ReturnType<typeof findProcesses>[number]) => boolean): number {
    const found = findProcesses(this.settings.stateDir).find(isIt);
    if (found === undefined) throw new OperatorError(EXIT.failed, 'the process to kill is not there');
    const atMs = performance.now();
    signalGroup(found, 'SIGKILL');
    return atMs;
  }

  /** The instance of a service that is on; waits for one. */
  async one(service: string): Promise<InstanceRow> {
    return await this.until(`an instance of ${service} is on`, async () => {
      const rows = await this.client.list('instances');
      return rows.find((row) => row.service_name === service && row.status === 'on');
    });
  }

  async nodes(): Promise<readonly NodeRow[]> {
    return await this.client.list('nodes');
  }

  /** The number of the node that an instance is on. */
  async nodeOf(instance: InstanceRow): Promise<number> {
    const row = (await this.nodes()).find(
      ({ agent_network_address: address }) => address === instance.service_instance_network_address,
    );
    return Number(instance.node ?? row?.node);
  }

  /** Moves a service to a node, unless it is there; the instance that is there then. */
  async place(service: string, node: number): Promise<InstanceRow> {
    const instance = await this.one(service);
    if ((await this.nodeOf(instance)) === node) return instance;
    await this.client.command({ command: 'migrate', instance: instanceName(instance), to: String(node) });
    return await this.one(service);
  }

  /** A node without the gateway that users are on, so that only what is shown goes. */
  async quietNode(): Promise<number> {
    const gateway = this.gateways()[0]?.host;
    const found = (await this.nodes()).find(
      (row) => row.status === 'registered' && row.agent_network_address !== gateway,
    );
    if (found === undefined)
      throw new OperatorError(EXIT.failed, 'this demo needs two nodes with addresses of their own');
    return Number(found.node);
  }

  /** Waits until it gives something; rejects with `what` after 20 s. A Manager that does not answer is asked again. */
  async until<T>(
    what: string,
    look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  ): Promise<T> {
    const deadline = performance.now() + WAIT_MS_MAX;
    while (performance.now() < deadline) {
      try {
        const value = await look();
        if (value !== null && value !== undefined && value !== false) return value;
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
      }
      await sleep(LOOK_MS);
    }
    throw new OperatorError(EXIT.failed, `not within ${WAIT_MS_MAX / 1000} s: ${what}`);
  }

  /** Milliseconds from `fromMs` until the event was recorded; null when it does not come. */
  async eventAfter(fromMs: number, isIt: (event: OperatorEvent) => boolean): Promise<number | null> {
    const wall = Date.now() - (performance.now() - fromMs);
    const find = (): number | null => {
      const found = this.#events.find(({ event }) => Date.parse(event.time) >= wall - 1 && isIt(event));
      return found === undefined ? null : Math.max(0, Date.parse(found.event.time) - wall);
    };
    return await this.until('an event', () => {
      const ms = find();
      return ms === null ? null : { ms };
    }).then(
      ({ ms }) => ms,
      () => null,
    );
  }

  /** Milliseconds from `fromMs` until something that users began after it was done. */
  async servedAfter(fromMs: number, kind: Operation['kind']): Promise<number | null> {
    const find = (): Operation | undefined =>
      this.crew.operations.find((one) => one.kind === kind && one.invokeMs >= fromMs && one.outcome === 'ok');
    return await this.until(`a ${kind} is served`, find).then(
      ({ endMs }) => endMs - fromMs,
      () => null,
    );
  }

  /** Lets users work for a while. */
  async watchUsers(ms: number): Promise<void> {
    await sleep(ms);
  }

  /** No user saw an error since; and the longest wait. */
  users(fromMs: number, limitMs: number): Measure[] {
    const errors = this.crew.errors.filter(({ atMs }) => atMs >= fromMs);
    const longest = Math.max(0, ...this.crew.since(fromMs).map(({ endMs, invokeMs }) => endMs - invokeMs));
    const statuses = [...new Set(errors.map(({ status }) => status || 'no answer'))].join(', ');
    return [
      fact(
        'no user sees an error',
        errors.length === 0 ? 'none' : `${errors.length} (${statuses})`,
        errors.length === 0,
      ),
      withinMs('every user has an answer', limitMs, longest),
    ];
  }

  /** Prints events as they come, those of sessions left out, and again when a Manager is back. */
  #watch(): void {
    let last = 0;
    const style = styleFor(process.stderr);
    const take = (event: OperatorEvent): void => {
      if (event.seq <= last) return;
      last = event.seq;
      this.#events.push({ event, atMs: performance.now() });
      if (event.kind !== 'session') tell(`  ${eventText(event, style)}`);
    };
    const watch = (isFirst: boolean): void => {
      if (this.#isOver) return;
      this.#unwatch = this.client.watch(take, () => setTimeout(() => watch(false), AGAIN_MS));
      // what was told before the stream was there
      if (!isFirst)
        this.client.events(last).then(
          (events) => events.forEach(take),
          () => null,
        );
    };
    watch(true);
  }
}
