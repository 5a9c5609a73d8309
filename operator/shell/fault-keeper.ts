/**
 * The faults of a running testbed, in the front (`ssmmp up`).
 *
 * Lives here: which are on, in which order; undoing one by order, when its time is over, at the end; what faults together make
 * of a link. Does not live here: what the kinds mean (faults/core), what is done to processes and files (fault-acts.ts),
 * links (fault-links.ts), faults.json (fault-file.ts), the port it is asked over (front-port.ts).
 *
 * Why in the front: it lives as long as the testbed, so a fault outlives the command that asked for it and never the
 * testbed; and it is the one that would start an agent again while its node is off.
 */
import { detailText, targetText, undoText } from '../../faults/core/fault.ts';
import type { CutRequest, Decision, FaultRecord, FaultRequest } from '../../faults/core/fault.ts';
import { CLEAR } from '../../faults/core/shape.ts';
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { doAct, undoAct } from './fault-acts.ts';
import type { ActSurroundings } from './fault-acts.ts';
import { writeFaults } from './fault-file.ts';
import { FaultLinks, needsNetns, noNode, noProxyBetweenNodes, oneNodeInNetns } from './fault-links.ts';
import type { LinkSurroundings } from './fault-links.ts';

/** Faults that are over and still asked about, such as a hold that was decided. */
const ENDED_KEPT_MAX = 50;
/** Faults at a time: more is a mistake in a script. */
const FAULTS_MAX = 100;

export interface FaultSurroundings extends ActSurroundings, LinkSurroundings {
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
      case 'node-off':
      case 'fill-disk':
      case 'manager-off':
        return doAct(request, this.#around);
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
      case 'node-off':
      case 'fill-disk':
      case 'manager-off':
        undoAct(record.request, this.#around);
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
    writeFaults(this.#around.stateDir, this.list().faults);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => null);
    return done;
  }
}

function pastOf(decision: string): string {
  return {
    deliver: 'delivered',
    drop: 'dropped',
    duplicate: 'delivered twice',
    reorder: 'delivered after the next one',
  }[decision] as string;
}
