/**
 * The faults of a running testbed, in the front (`ssmmp up`).
 *
 * Lives here: doing a fault and undoing it, by order, when its time is over, at the end. Does not live here: what the kinds
 * mean (faults/core), links (fault-links.ts), the port it is asked over (front-port.ts).
 *
 * Why in the front: it lives as long as the testbed, so a fault outlives the command that asked for it and never the
 * testbed; and it is the one that would start an agent again while its node is off. What is on stands in faults.json too:
 * a front that was killed cannot undo anything, the next `ssmmp up` or `ssmmp down` does.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { detailText, samePeer, targetText, undoText } from '../../faults/core/fault.ts';
import type { CutRequest, Decision, FaultRecord, FaultRequest } from '../../faults/core/fault.ts';
import { CLEAR } from '../../faults/core/shape.ts';
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import { DISK_FULL_FILE } from '../../ssmmp/shell/disk-fault.ts';
import { copiedFrom, folderMark } from '../../ssmmp/shell/folder-mark.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { FaultLinks, noNode, removeLinkFiles } from './fault-links.ts';
import type { LinkSurroundings } from './fault-links.ts';
import { findProcesses, signalGroup } from './testbed-processes.ts';

export const FAULTS_FILE = 'faults.json';
/** Faults that are over and still asked about, such as a hold that was decided. */
const ENDED_KEPT_MAX = 50;
/** Faults at a time: more is a mistake in a script. */
const FAULTS_MAX = 100;

export interface FaultSurroundings extends LinkSurroundings {
  /** Keeps a program down, or starts it again; false when there is none of that name. */
  holdProgram(name: string): boolean;
  letGoProgram(name: string): void;
  /** In network namespaces: makes exactly these cuts real. Null elsewhere. */
  readonly applyCuts: ((cuts: readonly CutRequest[]) => void) | null;
  /** Users are to find gateways elsewhere, or again where they are. */
  usersMoved(): void;
  tell(line: string): void;
}

interface Fault {
  record: FaultRecord;
  /** Links it goes through. */
  readonly links: readonly string[];
  timer: NodeJS.Timeout | null;
}

export class FaultKeeper {
  readonly #around: FaultSurroundings;
  readonly #links: FaultLinks;
  readonly #faults = new Map<string, Fault>();
  #ended: FaultRecord[] = [];
  #last = 0;
  /** One change at a time, in the order asked for. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(around: FaultSurroundings) {
    this.#around = around;
    this.#links = new FaultLinks(around, {
      held: (id, _link, line) => this.#update(id, { status: 'held', message: line }),
      done: (id, decision) => this.#onDone(id, decision),
      ended: (how) => around.tell(`the link process ended (${how}); links have no fault any more`),
    });
  }

  get links(): FaultLinks {
    return this.#links;
  }

  list(): { readonly faults: readonly FaultRecord[]; readonly ended: readonly FaultRecord[] } {
    return { faults: [...this.#faults.values()].map(({ record }) => record), ended: this.#ended };
  }

  /** Does it; resolves when it is in effect. Throws OperatorError, with nothing changed. */
  start(request: FaultRequest): Promise<FaultRecord> {
    return this.#inTurn(async () => {
      if (this.#faults.size >= FAULTS_MAX)
        throw new OperatorError(EXIT.failed, `${FAULTS_MAX} faults are on already; \`ssmmp fault undo --all\``);
      this.#last += 1;
      const id = `f${this.#last}`;
      const now = Date.now();
      const fault: Fault = {
        record: {
          id,
          kind: request.kind,
          target: targetText(request),
          detail: detailText(request),
          status: 'starting',
          since: new Date(now).toISOString(),
          until: request.forMs === null ? null : new Date(now + request.forMs).toISOString(),
          undo: undoText(id, request),
          message: null,
          address: null,
          request,
        },
        links: this.#linksOf(request),
        timer: null,
      };
      this.#faults.set(id, fault);
      // on disk before anything is broken: whoever finds it broken finds out how to mend it
      this.#save();
      try {
        await this.#begin(fault);
      } catch (error) {
        await this.#end(fault);
        throw error instanceof OperatorError ? error : new OperatorError(EXIT.failed, (error as Error).message);
      }
      // an armed hold may have its message already
      if (fault.record.status === 'starting') this.#update(id, { status: request.kind === 'hold' ? 'armed' : 'on' });
      if (request.forMs !== null) fault.timer = setTimeout(() => void this.undo(id).catch(() => null), request.forMs);
      this.#around.tell(`fault ${id}: ${fault.record.target}: ${fault.record.detail}`);
      return fault.record;
    });
  }

  /** Undoes one; null when it is not on (any more). */
  undo(id: string): Promise<FaultRecord | null> {
    return this.#inTurn(async () => {
      const fault = this.#faults.get(id);
      if (fault === undefined) return null;
      await this.#end(fault);
      this.#around.tell(`fault ${id} undone: ${fault.record.target}`);
      return fault.record;
    });
  }

  async undoAll(): Promise<FaultRecord[]> {
    const undone = [];
    for (const id of [...this.#faults.keys()].reverse()) undone.push(await this.undo(id));
    return undone.filter((record) => record !== null);
  }

  /** What becomes of the message that a hold has. */
  decide(id: string, decision: Decision): Promise<FaultRecord> {
    return this.#inTurn(async () => {
      const fault = this.#faults.get(id);
      if (fault?.record.kind !== 'hold') throw new OperatorError(EXIT.failed, `no message is held as ${id}`);
      if (fault.record.status !== 'held')
        throw new OperatorError(EXIT.failed, `${id} waits for its message; nothing is held yet`);
      await this.#links.decide(id, decision);
      return this.#faults.get(id)?.record ?? this.#ended.at(-1) ?? fault.record;
    });
  }

  /** The testbed ends: everything that was stopped goes on, so that it can end in order. */
  async close(): Promise<void> {
    await this.undoAll();
    this.#links.end();
  }

  #linksOf(request: FaultRequest): string[] {
    switch (request.kind) {
      case 'hold': {
        const nodes = request.node === null ? this.#around.nodes.map(({ node }) => node) : [request.node];
        return nodes.map((node) => `manager-${node}`);
      }
      case 'slow':
        return typeof request.peer === 'string' ? [`${request.peer}-${request.node}`] : [];
      case 'cut':
        if (this.#around.applyCuts !== null || typeof request.peer !== 'string') return [];
        return [`${request.peer}-${request.node}`];
      default:
        return [];
    }
  }

  async #begin(fault: Fault): Promise<void> {
    const { request, id } = fault.record;
    if ('node' in request && request.node !== null && !this.#around.nodes.some(({ node }) => node === request.node))
      throw noNode(request.node, this.#around.nodes);
    switch (request.kind) {
      case 'stop':
        if (!signalGroup(request, 'SIGSTOP')) throw new OperatorError(EXIT.failed, `${request.name} does not run`);
        return;
      case 'node-off':
        return this.#nodeOff(request.node);
      case 'fill-disk':
        return this.#fillDisk(request.whose);
      case 'manager-off':
        return this.#managerOff();
      case 'cut':
        if (this.#around.applyCuts !== null) return this.#around.applyCuts(this.#cuts());
        if (typeof request.peer !== 'string' || request.peer === 'all') throw needsNetns();
        return await this.#throughLinks(fault);
      case 'slow':
        if (typeof request.peer !== 'string' || request.peer === 'all') throw noProxyBetweenNodes();
        return await this.#throughLinks(fault);
      case 'hold':
        if (fault.links.length > 1 && this.#around.applyCuts !== null) throw oneNodeInNetns();
        await this.#throughLinks(fault);
        return await this.#links.hold({
          id,
          direction: request.from === 'manager' ? 'down' : 'up',
          type: request.type,
          links: fault.links,
          nth: request.nth,
          then: request.then,
        });
    }
  }

  async #throughLinks(fault: Fault): Promise<void> {
    for (const name of fault.links) {
      const [to, node] = name.split('-') as ['manager' | 'users', string];
      await this.#links.insert(Number(node), to);
      await this.#settle(name);
      const place = to === 'users' ? this.#links.place(name) : null;
      if (place !== null) fault.record = { ...fault.record, address: joinAddressPort(place.address, place.port) };
    }
    this.#save();
    this.#around.usersMoved();
  }

  async #end(fault: Fault): Promise<void> {
    const { record, links } = fault;
    if (fault.timer !== null) clearTimeout(fault.timer);
    this.#faults.delete(record.id);
    this.#ended = [...this.#ended.filter(({ id }) => id !== record.id), record].slice(-ENDED_KEPT_MAX);
    switch (record.request.kind) {
      case 'stop':
        signalGroup(record.request, 'SIGCONT');
        break;
      case 'node-off':
        this.#around.letGoProgram(`agent ${record.request.node}`);
        break;
      case 'manager-off':
        this.#around.letGoProgram('supervisor');
        break;
      case 'fill-disk':
        rmSync(diskFullFile(this.#around.stateDir, record.request.whose), { force: true });
        break;
      case 'cut':
      case 'slow':
        break;
      case 'hold':
        await this.#links.forget(record.id);
        break;
    }
    if (record.kind === 'cut') this.#around.applyCuts?.(this.#cuts());
    for (const name of links) {
      await this.#settle(name).catch(() => null); // the link process ended: there is no link to mend
      if (![...this.#faults.values()].some((other) => other.links.includes(name))) this.#links.remove(name);
    }
    if (links.length > 0) this.#around.usersMoved();
    this.#save();
  }

  /** Gives a link what all faults that are on make of it: the youngest shape, every cut. */
  async #settle(name: string): Promise<void> {
    const requests = [...this.#faults.values()]
      .filter(({ links }) => links.includes(name))
      .map(({ record }) => record.request);
    const shape = requests.flatMap((request) => (request.kind === 'slow' ? [request.shape] : [])).at(-1) ?? CLEAR;
    const cuts = requests.filter((request) => request.kind === 'cut');
    // the agent connects to the Manager, users to the node: up is away from whoever connects
    const isAgents = name.startsWith('manager-');
    const isCut = (way: 'from-node' | 'to-node'): boolean =>
      cuts.some(({ oneWay }) => oneWay === null || oneWay === way);
    const [up, down] = isAgents ? (['from-node', 'to-node'] as const) : (['to-node', 'from-node'] as const);
    await this.#links.shape(name, shape);
    await this.#links.cut(name, { up: isCut(up), down: isCut(down) });
  }

  #cuts(): CutRequest[] {
    return [...this.#faults.values()].map(({ record }) => record.request).filter((request) => request.kind === 'cut');
  }

  #nodeOff(node: number): void {
    const folder = String(node);
    this.#around.holdProgram(`agent ${node}`);
    const all = findProcesses(this.#around.stateDir).filter((one) => one.node === folder);
    for (const one of all) signalGroup(one, 'SIGKILL');
    // an agent that was just starting an instance is dead now; what it started is written down by then
    for (const one of findProcesses(this.#around.stateDir)) if (one.node === folder) signalGroup(one, 'SIGKILL');
  }

  #fillDisk(whose: string): void {
    const path = diskFullFile(this.#around.stateDir, whose);
    if (!existsSync(dirname(path))) {
      const message = `${whose} keeps nothing here; expected manager, or a store that has run: ${dirname(path)} is not there`;
      throw new OperatorError(EXIT.failed, message);
    }
    writeFileSync(path, '');
  }

  #managerOff(): void {
    this.#around.holdProgram('supervisor');
    for (const one of findProcesses(this.#around.stateDir))
      if (['supervisor', 'manager'].includes(one.role)) signalGroup(one, 'SIGKILL');
  }

  #onDone(id: string, decision: string): void {
    const fault = this.#faults.get(id);
    if (fault === undefined) return;
    this.#update(id, { status: 'done', detail: `${fault.record.detail}: ${pastOf(decision)}` });
    void this.undo(id);
  }

  #update(id: string, change: Partial<FaultRecord>): void {
    const fault = this.#faults.get(id);
    if (fault === undefined) return;
    fault.record = { ...fault.record, ...change };
    this.#save();
  }

  #save(): void {
    const path = join(this.#around.stateDir, FAULTS_FILE);
    const faults = [...this.#faults.values()].map(({ record }) => record);
    if (faults.length === 0) return rmSync(path, { force: true });
    writeFileSync(
      `${path}.${process.pid}`,
      `${JSON.stringify({ folder: folderMark(this.#around.stateDir), faults }, null, 2)}\n`,
    );
    renameSync(`${path}.${process.pid}`, path);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => null);
    return done;
  }
}

/** What a front that was killed could not undo: stopped processes go on, agents go straight to the Manager. */
export function undoLeftFaults(stateDir: string): number {
  const path = join(stateDir, FAULTS_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    value = null; // none was left
  }
  // without a mark it is the list alone
  const { folder, faults } = (Array.isArray(value) ? { faults: value } : (value ?? {})) as Record<string, unknown>;
  const isCopy = copiedFrom(folder, stateDir) !== null;
  const records = Array.isArray(faults) ? (faults as Partial<FaultRecord>[]) : [];
  for (const { request } of records) {
    // who stopped the process that a copy names wants it stopped
    if (request?.kind === 'stop' && !isCopy) signalGroup(request, 'SIGCONT');
    if (request?.kind === 'fill-disk') rmSync(diskFullFile(stateDir, request.whose), { force: true });
  }
  removeLinkFiles(stateDir);
  rmSync(path, { force: true });
  return records.length;
}

/** Do two requests mean the same link? For `heal`. */
export function isCutOf(record: FaultRecord, node: number, peer: CutRequest['peer'] | null): boolean {
  const { request } = record;
  return request.kind === 'cut' && request.node === node && (peer === null || samePeer(request.peer, peer));
}

/** Whoever writes in that folder believes that its disk is full (decision 0009). */
function diskFullFile(stateDir: string, whose: string): string {
  return join(whose === 'manager' ? join(stateDir, 'journal') : join(stateDir, 'baas', whose), DISK_FULL_FILE);
}

function pastOf(decision: string): string {
  return {
    deliver: 'delivered',
    drop: 'dropped',
    duplicate: 'delivered twice',
    reorder: 'delivered after the next one',
  }[decision] as string;
}

function needsNetns(): OperatorError {
  const message =
    'nodes of this testbed share one network, so nothing can be cut between two nodes: start it with `ssmmp up --netns` ' +
    '(Linux, root), or cut a node from the manager or from users';
  return new OperatorError(EXIT.failed, message);
}

function noProxyBetweenNodes(): OperatorError {
  const message =
    'only the links to the manager and to users can be slow: instances talk straight to each other, without a proxy';
  return new OperatorError(EXIT.failed, message);
}

function oneNodeInNetns(): OperatorError {
  return new OperatorError(EXIT.usage, 'with --netns each node has a network of its own: say which with --node N');
}
