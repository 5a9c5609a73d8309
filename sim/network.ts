/**
 * The network: TCP connections as streams of bytes between processes.
 *
 * Lives here: connecting, delay, order, closing, breaking, cut links. Does not live here: what the bytes say, when
 * something is cut (faults/). Like TCP: bytes arrive in order or not at all; a cut link only makes them late, and they
 * arrive when it is healed; a broken connection loses what was under way, from any byte on; a node without power says
 * nothing. Each direction may be cut alone.
 */
import type { EndIndex, Scheduled } from './events.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** What a connection is for. */
export type Purpose = 'manager' | 'agent' | 'session';

interface Segment {
  readonly arrivesUs: number;
  readonly bytes: string;
  /** The sender closed its side behind these bytes. */
  readonly isLast: boolean;
}

/** One end of a connection. */
export interface End {
  /** 0: nobody has accepted yet. */
  pid: number;
  readonly node: number;
  readonly address: string;
  readonly port: number;
  /** The number by which its process knows the connection. */
  handle: number;
  /** Does the process know that it has it? */
  isTold: boolean;
  /** Does the process still have it? */
  isOpen: boolean;
  /** Closed by us: what still comes is thrown away. */
  isDeaf: boolean;
  hasSentLast: boolean;
  /** Bytes that wait for their LF. */
  held: string;
  /** Segments on their way to this end. */
  readonly incoming: Segment[];
  delivery: Scheduled | null;
  lastArrivalUs: number;
}

export interface Connection {
  readonly id: number;
  readonly purpose: Purpose;
  readonly ends: readonly [End, End];
  status: 'connecting' | 'open' | 'over';
}

/** An answer to a wish to connect is waited for so long. */
const CONNECT_US = 2_000_000;
/** An end that closed hears of the other's close at the latest after this (LINGER_MS of the shells). */
const LINGER_US = 1_000_000;
/** Keep-alive gives a silent peer up after this: ten seconds idle, ten probes a second apart. */
const KEEPALIVE_US = 20_000_000;
/** What was late because of a cut is sent again within this time after it is healed. */
const RESEND_US_MAX = 200_000;
/** Bytes that were lost and are sent again take so many times as long. */
const LATE_FACTOR = 50;
/** Between processes of one node, and across a link, at least. */
const LOCAL_US = 30;

export class Network {
  readonly connections = new Map<number, Connection>();
  /** Ends of each process, by pid. */
  readonly endsOf = new Map<number, Set<Connection>>();
  /** Directions that pass nothing: `from>to`, by node. */
  readonly cuts = new Set<string>();
  /** Everything between nodes takes so many times as long. */
  slowness = 1;
  private lastId = 0;
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** Dials; the process hears `onConnected` or `onConnectFailed`. Null when the source port is in use for this destination. */
  connect(
    from: SimProcess,
    port: number,
    to: { readonly address: string; readonly port: number },
    purpose: Purpose,
    handle: number,
  ): Connection | null {
    const { world } = this;
    const node = world.nodeAt(to.address);
    const source = world.nodes[from.node]?.address ?? '';
    if (port !== 0 && this.isInUse(source, port, to.address, to.port)) return null;
    const id = (this.lastId += 1);
    const ends: [End, End] = [
      end(from.pid, from.node, source, port === 0 ? 32000 + (id % 20000) : port, handle),
      end(0, node?.index ?? -1, to.address, to.port, 0),
    ];
    const connection: Connection = { id, purpose, ends, status: 'connecting' };
    this.connections.set(id, connection);
    this.remember(from.pid, connection);
    const isCut = node === null || this.isCut(from.node, node.index) || this.isCut(node.index, from.node);
    // Whatever becomes of it, nobody waits longer: a slow network may take minutes to answer.
    world.after(CONNECT_US, { kind: 'connect_failed', connection: id, why: 'timeout' });
    if (!isCut && node.isOn) world.after(this.delayUs(from.node, node.index), { kind: 'syn', connection: id });
    return connection;
  }

  /** Event `syn`. */
  arrive(connection: Connection): void {
    const { world } = this;
    const [from, to] = connection.ends;
    if (connection.status !== 'connecting') return;
    const listener = world.listenerAt(to.node, to.port);
    const backUs = this.delayUs(to.node, from.node);
    if (!world.isOn(to.node)) return; // no answer
    if (listener === null) {
      world.after(backUs, { kind: 'connect_failed', connection: connection.id, why: 'refused' });
      return;
    }
    to.pid = listener.pid;
    connection.status = 'open';
    this.remember(listener.pid, connection);
    world.after(backUs, { kind: 'connected', connection: connection.id });
    world.toProcess(listener, { kind: 'syn', connection: connection.id });
  }

  /** Sends bytes from one end. An end that is closed swallows them. */
  send(connection: Connection, from: EndIndex, bytes: string): void {
    const own = connection.ends[from];
    if (connection.status !== 'open' || !own.isOpen || own.hasSentLast) return;
    const { splitShare } = this.world.options;
    if (splitShare > 0 && bytes.length > 1 && this.world.chance.network.chance(splitShare)) {
      const cut = this.world.chance.network.between(1, bytes.length - 1);
      this.put(connection, from, bytes.slice(0, cut), false);
      this.put(connection, from, bytes.slice(cut), false);
    } else this.put(connection, from, bytes, false);
  }

  /** Closes from one end: what was sent arrives first. That end hears `closed` when the other has closed too. */
  close(connection: Connection, from: EndIndex): void {
    const own = connection.ends[from];
    if (own.hasSentLast || connection.status !== 'open') return;
    this.put(connection, from, '', true);
    own.hasSentLast = true;
    own.isDeaf = true;
    this.world.after(LINGER_US, { kind: 'closed', connection: connection.id, end: from, why: 'closed by us' });
  }

  /** Gives a connection up before it is one. */
  abandon(connection: Connection): void {
    if (connection.status === 'connecting') this.over(connection);
    else this.reset(connection, 'given up');
  }

  /** The one who dialed has waited long enough and hears nothing more; the other end, if it accepted, hears of a close. */
  giveUp(connection: Connection): void {
    if (connection.status === 'connecting') return this.over(connection);
    this.put(connection, 0, '', true);
    connection.ends[0].hasSentLast = true;
    this.forgetEnd(connection, 0);
  }

  /** The connection breaks: what was under way is lost from any byte on, and both ends hear of it. */
  reset(connection: Connection, why: string): void {
    if (connection.status === 'over') return;
    const { world } = this;
    for (const index of [0, 1] as const) {
      const end = connection.ends[index];
      end.hasSentLast = true;
      const { incoming } = end;
      const next = incoming[0];
      if (next !== undefined && world.chance.network.chance(0.5)) {
        // Some bytes still arrive: from any byte on, the rest is lost.
        const bytes = next.bytes.slice(0, world.chance.network.between(0, next.bytes.length));
        incoming.length = 0;
        incoming.push({ arrivesUs: next.arrivesUs, bytes, isLast: false });
      } else incoming.length = 0;
      world.after(this.delayUs(end.node, connection.ends[1 - index]?.node ?? 0), {
        kind: 'closed',
        connection: connection.id,
        end: index,
        why,
      });
    }
  }

  /** A process is gone: its system closes all its connections. `silently`: the whole node is, and nobody says anything. */
  processEnded(pid: number, silently: boolean): void {
    for (const connection of [...(this.endsOf.get(pid) ?? [])])
      for (const index of [0, 1] as const) {
        const own = connection.ends[index];
        if (own.pid !== pid) continue;
        if (connection.status === 'connecting') {
          this.over(connection);
          continue;
        }
        if (silently) this.noticeSilence(connection, (1 - index) as EndIndex);
        else this.put(connection, index, '', true);
        own.hasSentLast = true;
        this.forgetEnd(connection, index);
      }
    this.endsOf.delete(pid);
  }

  /** A far node that lost power says nothing; only keep-alive probes find out (agent/shell, services/kit/shell). */
  private noticeSilence(connection: Connection, index: EndIndex): void {
    if (connection.purpose === 'manager' && index === 1) return;
    this.world.after(KEEPALIVE_US, { kind: 'closed', connection: connection.id, end: index, why: 'no sign of life' });
  }

  /** Event `deliver`: the segment, or null when it cannot pass now. */
  takeSegment(connection: Connection, index: EndIndex): Segment | null {
    const end = connection.ends[index];
    end.delivery = null;
    if (this.isCut(connection.ends[1 - index]?.node ?? 0, end.node)) return null;
    const segment = end.incoming.shift() ?? null;
    this.scheduleDelivery(connection, index);
    return segment;
  }

  /** This end is over for its process. */
  forgetEnd(connection: Connection, index: EndIndex): void {
    const end = connection.ends[index];
    end.isOpen = false;
    end.incoming.length = 0;
    end.held = '';
    this.endsOf.get(end.pid)?.delete(connection);
    if (!connection.ends[0].isOpen && !connection.ends[1].isOpen) this.over(connection);
  }

  cut(from: number, to: number): void {
    this.cuts.add(`${from}>${to}`);
  }

  heal(from: number, to: number): void {
    if (!this.cuts.delete(`${from}>${to}`)) return;
    for (const connection of this.connections.values())
      for (const index of [0, 1] as const) {
        const end = connection.ends[index];
        if (end.node !== to || connection.ends[1 - index]?.node !== from || end.incoming.length === 0) continue;
        this.scheduleDelivery(connection, index, this.world.chance.network.between(0, RESEND_US_MAX));
      }
  }

  isCut(from: number, to: number): boolean {
    return this.cuts.size > 0 && this.cuts.has(`${from}>${to}`);
  }

  /** How long one way takes now. */
  delayUs(from: number, to: number): number {
    if (from === to) return LOCAL_US;
    const { options, chance } = this.world;
    const [least, most] = options.delayUs;
    const usual = chance.network.between(least, most);
    // What is sent again comes late by TCP's timers. They know no slowness: a fault that is over leaves nothing on its way
    // for minutes.
    const late = chance.network.chance(options.lateShare) ? usual * (LATE_FACTOR - 1) : 0;
    return usual * this.slowness + late;
  }

  private put(connection: Connection, from: EndIndex, bytes: string, isLast: boolean): void {
    const { world } = this;
    const own = connection.ends[from];
    const to = connection.ends[1 - from] as End;
    if (!to.isOpen) {
      // The far system knows nothing of this connection (any more) and says so, if it says anything.
      if (world.isOn(to.node) && own.isOpen && !this.isCut(own.node, to.node))
        world.after(2 * this.delayUs(own.node, to.node), {
          kind: 'closed',
          connection: connection.id,
          end: from,
          why: 'reset by the peer',
        });
      return;
    }
    const arrivesUs = Math.max(to.lastArrivalUs, world.nowUs + this.delayUs(own.node, to.node));
    to.lastArrivalUs = arrivesUs;
    to.incoming.push({ arrivesUs, bytes, isLast });
    this.scheduleDelivery(connection, (1 - from) as EndIndex);
  }

  private scheduleDelivery(connection: Connection, index: EndIndex, lateUs = 0): void {
    const end = connection.ends[index];
    const next = end.incoming[0];
    if (end.delivery !== null || next === undefined) return;
    const { world } = this;
    const atUs = Math.max(world.nowUs + lateUs, next.arrivesUs);
    end.delivery = world.at(atUs, { kind: 'deliver', connection: connection.id, end: index });
  }

  private over(connection: Connection): void {
    connection.status = 'over';
    for (const end of connection.ends) {
      if (end.delivery !== null) this.world.cancel(end.delivery);
      this.endsOf.get(end.pid)?.delete(connection);
    }
    this.connections.delete(connection.id);
  }

  private isInUse(address: string, port: number, toAddress: string, toPort: number): boolean {
    for (const { ends } of this.connections.values()) {
      const [from, to] = ends;
      if (from.port === port && from.address === address && to.address === toAddress && to.port === toPort)
        return from.isOpen || to.isOpen;
    }
    return false;
  }

  private remember(pid: number, connection: Connection): void {
    const known = this.endsOf.get(pid);
    if (known === undefined) this.endsOf.set(pid, new Set([connection]));
    else known.add(connection);
  }
}

function end(pid: number, node: number, address: string, port: number, handle: number): End {
  return {
    pid,
    node,
    address,
    port,
    handle,
    isTold: false,
    isOpen: true,
    isDeaf: false,
    hasSentLast: false,
    held: '',
    incoming: [],
    delivery: null,
    lastArrivalUs: 0,
  };
}
