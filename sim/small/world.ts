/**
 * A world of the search: numbers of states, and queues of what is on its way.
 *
 * Lives here: the shape, copying, and the text that tells two worlds apart. Does not live here: what happens (play.ts).
 *
 * Everything that takes time is the head of a queue: a line on a connection, the end of a process, the answer of a dial. To
 * take one head is one move, so the moves of a world are all orders that reality can have.
 */

/** A process of an instance. */
export interface SmallInstance {
  readonly id: number;
  readonly service: string;
  readonly node: number;
  readonly run: number;
  readonly cell: number;
  /** Its connection to its agent; 0 for none. */
  readonly connection: number;
  readonly booted: boolean;
}

/** A TCP connection between two instances. */
export interface SmallSession {
  readonly key: string;
  readonly source: number;
  readonly dest: number;
  readonly sourceOpen: boolean;
  readonly destOpen: boolean;
}

export interface SmallAgent {
  readonly cell: number;
  /** Its connection to the Manager; 0 for none. */
  readonly link: number;
  /** What it keeps on disk, as a word. */
  readonly disk: number;
}

/** What may still be done to the world. */
export interface Budget {
  readonly faults: number;
  readonly commands: number;
  /** Times a plug wants a session. */
  readonly needs: number;
  /** Times that time passes to the next deadline. */
  readonly waits: number;
}

export interface World {
  now: number;
  manager: number;
  epoch: number;
  agents: SmallAgent[];
  instances: SmallInstance[];
  sessions: SmallSession[];
  /** Queue name to the words in it; no queue is empty. */
  queues: Map<string, readonly number[]>;
  nextConnection: number;
  budget: Budget;
}

export function copyWorld(world: World): World {
  return {
    ...world,
    agents: [...world.agents],
    instances: [...world.instances],
    sessions: [...world.sessions],
    queues: new Map(world.queues),
  };
}

/** The world as text: equal texts, equal worlds. */
export function textOf(world: World): string {
  const { now, manager, epoch, nextConnection, budget } = world;
  const parts: (string | number)[] = [now, manager, epoch, nextConnection];
  parts.push(budget.faults, budget.commands, budget.needs, budget.waits, '|');
  for (const { cell, link, disk } of world.agents) parts.push(cell, link, disk);
  parts.push('|');
  for (const one of world.instances)
    parts.push(one.id, one.service, one.node, one.run, one.cell, one.connection, one.booted ? 1 : 0);
  parts.push('|');
  const sessions = world.sessions.map(
    ({ key, source, dest, sourceOpen, destOpen }) =>
      `${key} ${source} ${dest} ${sourceOpen ? 1 : 0}${destOpen ? 1 : 0}`,
  );
  parts.push(...sessions.sort(), '|');
  const queues = [...world.queues].map(([name, words]) => `${name} ${words.join(' ')}`);
  parts.push(...queues.sort());
  return parts.join(',');
}

/** The opposite of textOf. */
export function worldOf(text: string): World {
  const [head = '', agents = '', instances = '', sessions = '', queues = ''] = text.split(/,?\|,?/);
  const [now, manager, epoch, nextConnection, faults, commands, needs, waits] = head.split(',').map(Number) as [
    number, number, number, number, number, number, number, number,
  ]; // prettier-ignore
  return {
    now,
    manager,
    epoch,
    nextConnection,
    budget: { faults, commands, needs, waits },
    agents: inGroups(agents, 3).map(([cell, link, disk]) => ({
      cell: Number(cell),
      link: Number(link),
      disk: Number(disk),
    })),
    instances: inGroups(instances, 7).map(([id, service, node, run, cell, connection, booted]) => ({
      id: Number(id),
      service: service as string,
      node: Number(node),
      run: Number(run),
      cell: Number(cell),
      connection: Number(connection),
      booted: booted === '1',
    })),
    sessions: items(sessions).map((item) => {
      const [key = '', source, dest, open = ''] = item.split(' ');
      return {
        key,
        source: Number(source),
        dest: Number(dest),
        sourceOpen: open[0] === '1',
        destOpen: open[1] === '1',
      };
    }),
    queues: new Map(
      items(queues).map((item) => {
        const [name = '', ...words] = item.split(' ');
        return [name, words.map(Number)];
      }),
    ),
  };
}

function items(text: string): string[] {
  return text === '' ? [] : text.split(',');
}

function inGroups(text: string, size: number): string[][] {
  const all = items(text);
  return Array.from({ length: all.length / size }, (_, index) => all.slice(index * size, (index + 1) * size));
}

/** 53 bits of a text: two worlds of a few million share one with a chance below one in a thousand. */
export function hashOf(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b) ^ (high >>> 13);
  }
  low = Math.imul(low ^ (low >>> 15), 0xc2b2ae35);
  high = Math.imul(high ^ (high >>> 16) ^ low, 0x27d4eb2f);
  return (low >>> 0) + ((high >>> 11) & 0x1fffff) * 0x100000000;
}
