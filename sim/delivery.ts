/**
 * What an event means for the process it is for.
 *
 * Lives here: the way from an event to a call of the process, and cutting bytes into lines. Does not live here: what the
 * process does.
 */
import type { EndIndex, SimEvent } from './events.ts';
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** Gives one event to a live process that is not paused. */
export function deliver(world: World, process: SimProcess, event: SimEvent): void {
  const { network } = world;
  switch (event.kind) {
    case 'tick':
      return process.onTimer();
    case 'boot':
      return process.boot();
    case 'syn': {
      const connection = network.connections.get(event.connection);
      if (connection?.ends[1].isOpen !== true) return;
      connection.ends[1].isTold = true;
      return process.onAccepted(connection);
    }
    case 'connected': {
      const connection = network.connections.get(event.connection);
      if (connection?.ends[0].isOpen !== true) return;
      connection.ends[0].isTold = true;
      return process.onConnected(connection);
    }
    case 'connect_failed': {
      const connection = network.connections.get(event.connection);
      if (connection === undefined || !connection.ends[0].isOpen || connection.ends[0].isTold) return;
      network.giveUp(connection);
      return process.onConnectFailed(connection, event.why);
    }
    case 'deliver':
      return deliverBytes(world, process, event.connection, event.end);
    case 'closed':
      return tellClosed(world, process, event.connection, event.end, event.why);
    default:
      return process.onEvent(event);
  }
}

function deliverBytes(world: World, process: SimProcess, id: number, index: EndIndex): void {
  const connection = world.network.connections.get(id);
  const end = connection?.ends[index];
  if (connection === undefined || end?.isOpen !== true) return;
  const segment = world.network.takeSegment(connection, index);
  if (segment === null) return;
  if (!end.isDeaf) {
    const text = end.held + segment.bytes;
    let from = 0;
    end.held = '';
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      process.onLine(connection, index, text.slice(from, at));
      from = at + 1;
      if (end.isDeaf || !end.isOpen || !process.isAlive) break;
    }
    if (from < text.length) end.held = text.slice(from);
  }
  if (!segment.isLast || !end.isOpen || !process.isAlive) return;
  const far = connection.ends[1 - index];
  world.after(world.network.delayUs(end.node, far?.node ?? 0), {
    kind: 'closed',
    connection: id,
    end: (1 - index) as EndIndex,
    why: 'closed by us',
  });
  tellClosed(world, process, id, index, 'closed by the peer');
}

function tellClosed(world: World, process: SimProcess, id: number, index: EndIndex, why: string): void {
  const connection = world.network.connections.get(id);
  if (connection?.ends[index].isOpen !== true) return;
  const { isTold } = connection.ends[index];
  world.network.forgetEnd(connection, index);
  if (isTold) process.onClosed(connection, index, why);
  else if (index === 0) process.onConnectFailed(connection, 'refused'); // broken before it was one
}
