/**
 * The Manager's process: its machine, its journal, its connections.
 *
 * Lives here: what manager/shell does, in a world without a real disk: stamp, step, journal, flush, and only then
 * perform. Does not live here: any decision (manager/core). The journal is kept as text in the records' own format, so
 * that a crash can cut it at any byte; a start reads it back with `replay`, which compares every effect.
 */
import type { Command, ManagerInput, ManagerSettings } from '../manager/core/inputs.ts';
import type { ManagerEffect } from '../manager/core/effects.ts';
import { initialManager } from '../manager/core/save.ts';
import { lastConnection, type ManagerState } from '../manager/core/state.ts';
import { managerMachine } from '../manager/core/step.ts';
import { replay, type JournalHeader, type JournalRecord } from '../ssmmp/machine/journal.ts';
import type { SimEvent } from './events.ts';
import type { Connection } from './network.ts';
import { SimProcess, type Unstamped } from './process.ts';
import { MANAGER_PORT, type World } from './world.ts';

/** What lies on the disk of the Manager's node. It outlives the process. */
export interface ManagerDisk {
  /** The state before the first of `records`, as JSON; null before the first start. */
  header: string | null;
  /** One JSON text a record; the last one may be torn. */
  records: string[];
  /** So many of them survive a power cut. */
  synced: number;
}

type Record_ = JournalRecord<ManagerInput, ManagerEffect>;

/** A segment holds so many records; then the state is saved and the next one begins. */
const SEGMENT_RECORDS_MAX = 200;
/** Writing without a flush takes no time worth telling. */
const WRITE_US = 20;

export class ManagerProcess extends SimProcess {
  readonly kind = 'manager';
  readonly name = 'Manager';
  state: ManagerState = initialManager();
  /** The port for agents is open. */
  isListening = false;
  /** Set by a fault: it dies after so many more effects. */
  diesAfterEffects: number | null = null;
  /** Appended and not written yet. */
  readonly buffer: string[] = [];
  private effects: (readonly ManagerEffect[])[] = [];
  private flushWanted = false;
  private committing: { readonly effects: readonly (readonly ManagerEffect[])[]; readonly flush: boolean } | null =
    null;
  private nextRecord = 0;
  /** The first record of the batch that is being written. */
  private batchFrom = 0;
  private lastConnection = 0;
  private startedAtEvent = false;
  private readonly connections = new Map<number, Connection>();

  constructor(world: World, pid: number) {
    super(world, pid, 0);
  }

  /** Reads the journal back and starts. Throws when the journal cannot be replayed: that is a broken law. */
  boot(): void {
    const { managerDisk: disk, options } = this.world;
    this.recover(disk);
    this.lastConnection = lastConnection(this.state);
    const settings: ManagerSettings = {
      address: this.world.nodes[0]?.address ?? '',
      cluster: 'sim',
      timerScale: options.timerScale,
      strict: false,
      sharedAddress: false,
      portFirst: 54000,
      portLast: 55552,
    };
    this.startedAtEvent = true;
    this.input({ kind: 'manager_started', epoch: this.state.epoch + 1, graph: options.graph, settings });
  }

  command(request: number, body: Command): void {
    this.input({ kind: 'command_received', request, body });
  }

  onAccepted(connection: Connection): void {
    const [far, own] = connection.ends;
    own.handle = this.lastConnection += 1;
    this.connections.set(own.handle, connection);
    this.input({ kind: 'connection_opened', connection: own.handle, address: far.address });
  }

  onLine(connection: Connection, _end: 0 | 1, line: string): void {
    this.input({ kind: 'line_received', connection: connection.ends[1].handle, line });
  }

  onClosed(connection: Connection, _end: 0 | 1, why: string): void {
    const { handle } = connection.ends[1];
    this.connections.delete(handle);
    this.input({ kind: 'connection_closed', connection: handle, why });
  }

  onConnected(): void {
    throw new Error('the Manager dials nobody');
  }

  onConnectFailed(): void {
    throw new Error('the Manager dials nobody');
  }

  onEvent(event: SimEvent): void {
    if (event.kind === 'commit') this.committed();
  }

  /**
   * What the disk has of what was being written when the process, or with `withoutPower` its node, died: some of the
   * records, and of the next one some bytes.
   */
  tear(withoutPower: boolean): void {
    const { managerDisk: disk, chance } = this.world;
    const sure = withoutPower ? disk.synced : this.committing === null ? disk.records.length : this.batchFrom;
    const kept = chance.fault.between(Math.min(sure, disk.records.length), disk.records.length);
    const torn = disk.records[kept];
    disk.records.length = kept;
    if (torn !== undefined) disk.records.push(torn.slice(0, chance.fault.between(0, torn.length)));
    disk.synced = Math.min(disk.synced, kept);
  }

  protected nextDeadline(): number | null {
    return managerMachine.nextDeadline(this.state);
  }

  protected tick(): void {
    this.input({ kind: 'tick' });
  }

  private input(input: Unstamped<ManagerInput>): void {
    const stamped = { ...input, at: this.clock() } as ManagerInput;
    const { effects, flush } = managerMachine.step(this.state, stamped);
    this.buffer.push(JSON.stringify({ n: this.nextRecord, in: stamped, out: effects } satisfies Record_));
    this.nextRecord += 1;
    this.effects.push(effects);
    this.flushWanted ||= flush;
    this.world.stepped({ process: this, machine: managerMachine, state: this.state, input: stamped, effects });
    this.schedule();
    this.arm();
  }

  private schedule(): void {
    if (this.committing !== null || this.effects.length === 0) return;
    this.committing = { effects: this.effects, flush: this.flushWanted };
    this.effects = [];
    this.flushWanted = false;
    const { managerDisk: disk } = this.world;
    this.batchFrom = disk.records.length;
    disk.records.push(...this.buffer.splice(0));
    const waitUs = this.committing.flush ? this.world.diskWaitUs() : WRITE_US;
    this.world.after(waitUs, { kind: 'commit', process: this.pid });
  }

  private committed(): void {
    const { committing } = this;
    if (committing === null) return;
    const { managerDisk: disk } = this.world;
    this.committing = null;
    if (committing.flush) disk.synced = disk.records.length;
    for (const effects of committing.effects)
      for (const effect of effects) {
        if (this.diesAfterEffects !== null && this.diesAfterEffects-- <= 0) return this.world.crashManager();
        this.perform(effect);
      }
    if (this.startedAtEvent && !this.isListening) {
      this.isListening = true;
      this.world.nodes[0]?.listeners.set(MANAGER_PORT, this.pid);
    }
    if (disk.records.length >= SEGMENT_RECORDS_MAX && this.effects.length === 0) this.rotate(disk);
    this.schedule();
  }

  private perform(effect: ManagerEffect): void {
    switch (effect.kind) {
      case 'send': {
        const connection = this.connections.get(effect.connection);
        if (connection !== undefined) this.world.network.send(connection, 1, `${effect.line}\n`);
        return;
      }
      case 'close': {
        const connection = this.connections.get(effect.connection);
        if (connection !== undefined) this.world.network.close(connection, 1);
        return;
      }
      case 'reply':
      case 'event':
        return;
    }
  }

  /** Begins the next segment with the state as it is. */
  private rotate(disk: ManagerDisk): void {
    const header: JournalHeader = {
      format: 'ssmmp-journal',
      formatVersion: 1,
      machine: managerMachine.name,
      machineVersion: managerMachine.version,
      firstRecord: this.nextRecord,
      at: this.clock(),
      mark: null,
      state: managerMachine.save(this.state),
    };
    disk.header = JSON.stringify(header);
    disk.records = [];
    disk.synced = 0;
  }

  private recover(disk: ManagerDisk): void {
    if (disk.header === null) return this.rotate(disk);
    const header = JSON.parse(disk.header) as JournalHeader;
    const records: Record_[] = [];
    for (const text of disk.records) {
      const record = readRecord(text);
      if (record === null) break; // torn: it and what follows was never acknowledged
      records.push(record);
    }
    disk.records.length = records.length;
    disk.synced = records.length;
    const replayed = replay(managerMachine, header, records);
    if (!replayed.ok) throw new Error(`record ${replayed.n} of the Manager's journal: ${replayed.problem}`);
    this.state = replayed.state;
    this.notBefore(records.at(-1)?.in.at ?? header.at);
    this.nextRecord = header.firstRecord + records.length;
  }
}

function readRecord(text: string): Record_ | null {
  try {
    return JSON.parse(text) as Record_;
  } catch {
    return null; // cut off by a crash
  }
}
