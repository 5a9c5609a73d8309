/**
 * The Manager's shell: everything real around the core, put together.
 *
 * Lives here: the order of a start and of a stop. Does not live here: any decision (manager/core).
 *
 * Start: lock, journal, core, ports. The input `manager_started` with an epoch above every recorded one is in the
 * journal before a port listens. Stop: nothing is read any more, what is under way is committed, instances are left
 * alone: a Manager that goes is no reason for them to.
 *
 * A disk that takes nothing: nothing is performed any more, agents are let go, and what is known stays readable. The state
 * in memory is ahead of the journal then, so the way back is a new start (main.ts), once the disk takes writes again.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import type { Graph } from '../../ssmmp/core/graph.ts';
import { UNREADABLE_MESSAGES_MAX } from '../../ssmmp/core/names.ts';
import { scaledTimers } from '../../ssmmp/core/timers.ts';
import { startClock } from '../../ssmmp/shell/clock.ts';
import { Driver } from '../../ssmmp/shell/driver.ts';
import type { JournalFile } from '../../ssmmp/shell/journal-file.ts';
import type { JournalFs } from '../../ssmmp/shell/journal-segments.ts';
import { stateHash } from '../../ssmmp/shell/journal-tool.ts';
import type { Logger } from '../../ssmmp/shell/log.ts';
import { removePidFile, writePidFile } from '../../ssmmp/shell/process-identity.ts';
import { dnsZone } from '../core/dns.ts';
import type { ManagerEffect } from '../core/effects.ts';
import type { ManagerInput } from '../core/inputs.ts';
import { initialManager } from '../core/save.ts';
import { lastConnection, type ManagerState } from '../core/state.ts';
import { managerMachine, managerWith } from '../core/step.ts';
import { AgentListener } from './agent-listener.ts';
import { Commands } from './commands.ts';
import { DnsServer } from './dns-server.ts';
import { EventLog } from './event-log.ts';
import { markOf } from './history.ts';
import { takeLock, type Lock } from '../../ssmmp/shell/process-lock.ts';
import { openMetrics } from './metrics.ts';
import { OperatorPort } from './operator-port.ts';
import { operatorToken } from './operator-token.ts';
import { faultableDisk, untilWritable } from './journal-disk.ts';
import type { ManagerOptions } from './options.ts';
import { perform } from './perform.ts';
import { PolicyRunner } from './policy-oracle.ts';
import { recordText } from './record-text.ts';
import { openManagerJournal } from './recovered.ts';

export const JOURNAL_FOLDER = 'journal';
export const PID_FILE = 'manager.pid';
/** A stop waits this long for what is under way. */
const STOP_MS = 2_000;

/** What a start needs beside the command line; tests hand in their own. */
export interface ManagerSurroundings {
  /** The graph of the file; or what is wrong with it. A Manager that has run before goes on without it. */
  readonly graph: Graph | string;
  readonly log: Logger;
  readonly disk?: JournalFs;
  /** What the Manager before this one, in the same process, waited for. */
  readonly outage?: Outage;
}

/** The journal's disk took nothing since then. */
export type Outage = NonNullable<Extract<ManagerInput, { kind: 'manager_started' }>['outage']>;

export interface RunningManager {
  /** `ready Manager 127.0.0.1:55555 operator 127.0.0.1:55570 epoch 1 …` */
  readonly readyLine: string;
  readonly state: ManagerState;
  /** The journal's disk failed, and takes writes again: stop this Manager and start the next. */
  readonly writableAgain: Promise<Outage>;
  /** Commits and closes everything; instances go on. */
  stop(): Promise<void>;
}

/** A start that cannot be: the sentence is for the person who typed it. */
export class StartError extends Error {}

/** Starts a Manager; all ports listen when it resolves. Throws StartError, with nothing left behind. */
export async function startManager(options: ManagerOptions, around: ManagerSurroundings): Promise<RunningManager> {
  let lock: Lock | null = null;
  try {
    mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
    lock = takeLock(options.stateDir, 'manager', 'Manager');
    if (!lock.ok) throw new StartError(lock.problem);
    if (lock.tookOver) around.log.warn('the lock of a Manager that is gone was taken over');
    return await startLocked(options, around, lock);
  } catch (error) {
    if (lock?.ok === true) lock.release();
    throw isSystemError(error) ? new StartError(`the Manager cannot use ${options.stateDir}: ${error.message}`) : error;
  }
}

type Journal = JournalFile<ManagerState, ManagerInput, ManagerEffect>;

async function startLocked(
  options: ManagerOptions,
  { graph: named, log, outage, ...around }: ManagerSurroundings,
  lock: Extract<Lock, { ok: true }>,
): Promise<RunningManager> {
  const { address, port, operatorPort, dnsPort, stateDir, timerScale, timerPreset } = options;
  const metrics = openMetrics({
    state: () => state,
    connections: () => agents.size,
    streams: () => operator.streamCount,
    journalFailed: () => failure !== null,
  });
  const folder = join(stateDir, JOURNAL_FOLDER);
  const disk = around.disk ?? faultableDisk(folder);
  const journalOptions = {
    folder,
    machine: managerMachine,
    initial: initialManager,
    mark: markOf,
    encode: recordText,
    flush: options.flush,
    committed: metrics.committed,
    disk,
  };
  const { opened, restored } = openManagerJournal(journalOptions, options.mirror);
  if (!opened.ok) throw new StartError(opened.problem);
  const { state } = opened;
  const journal: Journal = opened.journal;
  for (const warning of opened.warnings) log.warn(`journal: ${warning}`);
  if (restored !== null) log.warn(restored);

  const now = startClock(opened.lastAt);
  let failure: string | null = null;
  let isStopped = false;
  let writable = (_outage: Outage): void => undefined;
  const writableAgain = new Promise<Outage>((resolve) => (writable = resolve));
  const policies = new PolicyRunner(log);
  // Recovery has replayed what policies answered then; from here on they are asked.
  const driver: Driver<ManagerState, ManagerInput, ManagerEffect> = new Driver(managerWith(policies.ask), state, {
    now,
    perform: (effect, at) => perform(effect, at, performers),
    journal,
    journalFailed: (error) => {
      const why = `the journal's disk failed: ${error.message}`;
      failure = `${why}; nothing is acknowledged until it takes writes again. Make room or repair it; the Manager goes on by itself`;
      log.fatal({ err: error }, failure);
      agents.stop();
      commands.fail(failure);
      const sinceMs = now();
      // It cannot be recorded now. The next start records the outage under this very number.
      events.add({ seq: events.last + 1, what: 'manager', text: failure, data: { failed: true } }, sinceMs);
      void untilWritable(disk, folder, scaledTimers(timerScale).diskRetryMs, () => isStopped).then(
        (isWritable) => isWritable && writable({ sinceMs, why }),
      );
    },
    congested: (isCongested) => agents.pause(isCongested),
    tick: () => ({ kind: 'tick' }),
  });
  const input = driver.input.bind(driver);
  const commands = new Commands(input);
  const events = new EventLog((query) => journal.history(query), state.nextEvent - 1);
  const agents = new AgentListener({
    address,
    port,
    lastConnection: lastConnection(state),
    unregisteredMs: scaledTimers(timerScale, timerPreset).unregisteredMs,
    input,
    isWanted: (id) => (state.connections.get(id)?.offences ?? UNREADABLE_MESSAGES_MAX) < UNREADABLE_MESSAGES_MAX,
    isRegistered: (id) => (state.connections.get(id)?.agent ?? null) !== null,
    received: (_id, line) => metrics.traffic.count('received', line),
    troubled: (error) => log.warn({ err: error }, 'port for agents: trouble'),
  });
  const performers = { agents, commands, events, traffic: metrics.traffic, log };
  const operator = new OperatorPort({
    address,
    port: operatorPort,
    token: operatorToken(stateDir),
    sources: {
      state: () => state,
      events,
      history: (query) => journal.history(query),
      metrics,
      commands,
      policies,
      failure: () => failure,
    },
    log,
  });
  const dns = new DnsServer({
    address,
    port: dnsPort,
    timerScale,
    zone: () => dnsZone(state),
    troubled: (error) => log.warn({ err: error }, 'DNS: trouble'),
  });

  const epoch = state.epoch + 1;
  const graph = typeof named === 'string' ? graphOfJournal(state, named, log) : named;
  for (const kept of [graph, state.graph])
    for (const problem of await policies.load(kept.policies)) log.warn(`policy: ${problem}`);
  input({
    kind: 'manager_started',
    epoch,
    graph,
    settings: settingsOf(options, state),
    ...(restored === null ? {} : { restored }),
    ...(outage === undefined ? {} : { outage }),
  });
  await driver.settled();
  policies.keep(state.graph.policies);
  const stop = async (): Promise<void> => {
    isStopped = true;
    agents.pause(true);
    await withinStopTime(driver.settled());
    driver.stop();
    agents.stop();
    operator.stop();
    dns.stop();
    policies.stop();
    if (failure === null) {
      log.info({ record: journal.next - 1, state_hash: stateHash(managerMachine, state) }, 'stopped');
      await journal.close();
    } else journal.abandon();
    removePidFile(join(stateDir, PID_FILE));
    lock.release();
  };
  try {
    // A disk that is full already: readable it is, and waits.
    if (failure === null) await agents.listen().catch((error: unknown) => refuse(error, address, port, '--port'));
    await operator.listen().catch((error: unknown) => refuse(error, address, operatorPort, '--operator-port'));
    await dns.listen().catch((error: unknown) => refuse(error, address, dnsPort, '--dns-port'));
  } catch (error) {
    await stop();
    throw error;
  }
  writePidFile(join(stateDir, PID_FILE));
  const places = `Manager ${joinAddressPort(address, port)} operator ${joinAddressPort(address, operatorPort)}`;
  const readyLine = `ready ${places} epoch ${epoch} replayed ${opened.replayed}`;
  log.info({ epoch, replayed: opened.replayed, isNew: opened.isNew }, readyLine);
  if (!options.flush) log.warn('--no-flush: a power cut loses state that was acknowledged');
  return { readyLine, state, writableAgain, stop };
}

/**
 * A Manager that dies is started again by itself, perhaps while somebody edits the file. It goes on with the graph of the
 * last start: a file with mistakes changes nothing.
 */
function graphOfJournal(state: ManagerState, problem: string, log: Logger): Graph {
  if (state.startedWith.services.length === 0) throw new StartError(problem);
  log.warn(`${problem}\nthe graph of the journal is kept`);
  return state.startedWith;
}

/** A disk that is full, a folder that may not be written: a sentence is enough, a stack tells nothing more. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

function settingsOf(options: ManagerOptions, state: ManagerState): ManagerState['settings'] {
  const { address, timerScale, timerPreset, strict, sharedAddress, portFirst, portLast } = options;
  const cluster = state.settings.cluster === '' ? randomBytes(8).toString('hex') : state.settings.cluster;
  return { address, cluster, timerScale, timerPreset, strict, sharedAddress, portFirst, portLast };
}

function refuse(error: unknown, address: string, port: number, option: string): never {
  const place = joinAddressPort(address, port);
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      throw new StartError(`${place} is in use: stop what listens there, or give another ${option} or --address`);
    case 'EADDRNOTAVAIL':
      throw new StartError(`${address} is no address of this machine: give another --address (or --subnet)`);
    case 'EACCES':
      throw new StartError(`${place} may not be used by this user: give another ${option}`);
    default:
      throw error;
  }
}

function withinStopTime(wait: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, STOP_MS);
  });
  return Promise.race([wait, limit]).finally(() => clearTimeout(timer));
}
