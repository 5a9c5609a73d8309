/** Demos of things that fail: instances, nodes, agents, the Manager. Lives here: what is done, and what was promised. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fact, withinMs } from '../core/demo-report.ts';
import type { OperatorEvent } from '../core/event-text.ts';
import { instanceName } from '../core/tables.ts';
import type { Demo, Stage } from './stage.ts';

/** Promises of docs/recovery.md, in milliseconds. */
const SERVING_MS = { instance: 500, store: 1000, hang: 4000, node: 7000 };
const AGENT_BACK_MS = 1000;
/** To an instance that is there; one that has to be started takes its own time too. */
const NEW_SESSION_MS = 1000;
/** 1.5 s of silence, and a heartbeat until it is looked at. */
const SUSPECT_MS = 2000;
/** A wait that nobody calls a pause: the machine may be busy. */
const UNNOTICED_MS = 1000;

export const CRASH: Demo = {
  name: 'crash',
  title: 'an instance is killed, then a store',
  story: [
    'Four users post and read. The process of `post` is killed, then that of `posts-db`, which has all posts.',
    'Their agent tells the Manager, which has another one started; requests under way are sent again.',
  ],
  needsOwn: false,
  senders: 0,
  readers: 0,
  async run(stage) {
    const measures = [];
    let firstMs = 0;
    for (const [service, limitMs] of [
      ['post', SERVING_MS.instance],
      ['posts-db', SERVING_MS.store],
    ] as const) {
      const { service_instance_id: id } = await stage.one(service);
      stage.say(`kill ${service}/${id}`);
      const atMs = stage.kill(({ instanceId }) => instanceId === id);
      firstMs ||= atMs;
      measures.push(
        withinMs(`${service} killed: posts are served again`, limitMs, await stage.servedAfter(atMs, 'post')),
      );
      await stage.watchUsers(300);
    }
    return [...measures, ...stage.users(firstMs, SERVING_MS.store + UNNOTICED_MS)];
  },
};

export const HANG: Demo = {
  name: 'hang',
  title: 'a store stops answering, and wakes up too late',
  story: [
    'The process of `posts-db` is stopped (SIGSTOP): it is there, its connections are there, and it does nothing.',
    'The Manager misses three answers about its health, has it killed, and another one takes over the data (R45, R50).',
  ],
  needsOwn: false,
  senders: 0,
  readers: 0,
  async run(stage) {
    const sleeper = await stage.one('posts-db');
    stage.say(`stop ${instanceName(sleeper)}`);
    const atMs = performance.now();
    await stage.fault({
      kind: 'stop',
      what: 'instance',
      name: instanceName(sleeper),
      pid: sleeper.pid ?? 0,
      startTime: null,
      forMs: null,
    });
    const served = withinMs('posts are served again', SERVING_MS.hang, await stage.servedAfter(atMs, 'post'));
    const id = sleeper.service_instance_id;
    const isGone = (await stage.client.list('instances')).every(
      (row) => row.service_instance_id !== id || row.status === 'off',
    );
    return [
      served,
      fact('the sleeper is killed before another one writes', isGone ? 'killed' : 'still there', isGone),
      ...stage.users(atMs, SERVING_MS.hang + UNNOTICED_MS),
    ];
  },
};

export const NODE_OFF: Demo = {
  name: 'node-off',
  title: 'a node loses its power',
  story: [
    '`post` and `posts-db` are moved to one node. Then all processes of that node are killed at once.',
    'The Manager suspects it after 1.5 s of silence and gives it up after 5 s: what ran there is started elsewhere.',
  ],
  needsOwn: false,
  senders: 0,
  readers: 0,
  async run(stage) {
    const node = await stage.quietNode();
    await stage.place('posts-db', node);
    await stage.place('post', node);
    stage.say(`switch node ${node} off`);
    const atMs = performance.now();
    await stage.fault({ kind: 'node-off', node, forMs: null });
    const suspect = await stage.eventAfter(atMs, hasStatus('agent', 'suspect'));
    const served = await stage.servedAfter(atMs, 'post');
    stage.say(`switch node ${node} on`);
    await stage.undo();
    const back = await stage.until(`node ${node} is registered`, async () => {
      const row = (await stage.nodes()).find((one) => Number(one.node) === node);
      return row?.status === 'registered';
    });
    return [
      withinMs('the node is suspect', SUSPECT_MS, suspect),
      withinMs('posts are served again', SERVING_MS.node, served),
      fact('the node comes back', back ? 'registered' : 'no', back),
      ...stage.users(atMs, SERVING_MS.node + UNNOTICED_MS),
    ];
  },
};

export const SPLIT_BRAIN: Demo = {
  name: 'split-brain',
  title: 'two stores, and only one may write',
  story: [
    'The node of `posts-db` is cut off from the Manager and from nobody else: the store there lives, and users reach it.',
    'After 5 s the Manager gives the node up and starts another `posts-db` on the same data. The first one still lives:',
    'it must acknowledge nothing from then on (R50). Then the cut is healed.',
  ],
  needsOwn: false,
  senders: 0,
  readers: 0,
  async run(stage) {
    const node = await stage.quietNode();
    const first = await stage.place('posts-db', node);
    stage.say(`cut node ${node} off from the Manager; ${instanceName(first)} lives there`);
    await stage.fault({ kind: 'cut', node, peer: 'manager', oneWay: null, forMs: null });
    const atMs = performance.now();
    const id = first.service_instance_id;
    const second = await stage.until('a second posts-db is on', async () => {
      const rows = await stage.client.list('instances');
      return rows.find((row) => row.service_name === 'posts-db' && row.status === 'on' && row.service_instance_id > id);
    });
    stage.say(`${instanceName(second)} owns the posts now`);
    const served = await stage.servedAfter(performance.now(), 'post');
    const before = bytesOf(stage, id);
    await stage.watchUsers(1000);
    const after = bytesOf(stage, id);
    stage.say('heal the cut');
    await stage.undo();
    const isAlone = await stage.until('one posts-db is left', async () => {
      const rows = await stage.client.list('instances');
      const left = rows.filter((row) => row.service_name === 'posts-db' && row.status !== 'off');
      return left.length === 1 && left[0]?.service_instance_id === second.service_instance_id;
    });
    return [
      withinMs('posts are served by the new owner', SERVING_MS.store, served),
      fact(
        'the old owner writes nothing after it was replaced',
        `${Math.max(0, after - before)} bytes`,
        after <= before,
      ),
      fact('after the heal one owner is left', isAlone ? instanceName(second) : 'two', isAlone),
      ...stage.users(atMs, SERVING_MS.node + UNNOTICED_MS),
    ];
  },
};

export const AGENT: Demo = {
  name: 'agent',
  title: 'an agent is killed, its instances are not',
  story: [
    'The agent of the node with the gateway is killed. Instances and sessions go on without it.',
    'A new agent finds them by pid and start time, and takes them back (R47): none is started again.',
  ],
  needsOwn: false,
  senders: 0,
  readers: 0,
  async run(stage) {
    const gateway = await stage.one('api-gateway');
    const node = await stage.nodeOf(gateway);
    const pids = async (): Promise<string> => {
      const rows = await stage.client.list('instances');
      const here = rows.filter((row) => row.status !== 'off');
      return here.map((row) => `${instanceName(row)} ${row.pid}`).sort().join(', '); // prettier-ignore
    };
    const before = await pids();
    stage.say(`kill the agent of node ${node}`);
    const atMs = stage.kill((one) => one.role === 'agent' && one.node === String(node));
    const back = await stage.eventAfter(
      atMs,
      ({ kind, text }) => kind === 'agent' && text.includes(' registered as node '),
    );
    await stage.until('its instances are on', async () => {
      const rows = await stage.client.list('instances');
      return rows.every((row) => row.status === 'on' || row.status === 'off');
    });
    const after = await pids();
    await stage.watchUsers(500);
    return [
      withinMs('an agent is back', AGENT_BACK_MS, back),
      fact(
        'no instance is started again',
        before === after ? 'the same processes' : `${before} → ${after}`,
        before === after,
      ),
      ...stage.users(atMs, UNNOTICED_MS),
    ];
  },
};

export const MANAGER: Demo = {
  name: 'manager',
  title: 'the Manager is killed, and is needed at once',
  story: [
    'The Manager is killed, and with it an instance of `table`: readers need a new session, which only a Manager can give.',
    'Its supervisor starts it again; it reads its journal, its agents register, and the session is given. Posts go on meanwhile.',
  ],
  needsOwn: false,
  senders: 0,
  readers: 0,
  async run(stage) {
    const table = await stage.one('table');
    stage.say(`kill the Manager and ${instanceName(table)}`);
    const atMs = stage.kill(({ role }) => role === 'manager');
    stage.kill(({ instanceId }) => instanceId === table.service_instance_id);
    const session = await stage.eventAfter(atMs, hasStatus('session', 'on'));
    const served = await stage.servedAfter(atMs, 'read');
    const posts = stage.crew.operations.filter((one) => one.kind === 'post' && one.invokeMs >= atMs);
    const longest = Math.max(0, ...posts.map((one) => one.endMs - one.invokeMs));
    return [
      withinMs('a new session, to an instance started for it, is there', NEW_SESSION_MS + SERVING_MS.instance, session),
      fact('readers are served again', served === null ? 'never' : `${Math.round(served)} ms`, served !== null),
      withinMs('posts, on sessions that stand, are answered', UNNOTICED_MS, longest),
      ...stage.users(atMs, NEW_SESSION_MS + SERVING_MS.instance + UNNOTICED_MS),
    ];
  },
};

function hasStatus(kind: string, status: string): (event: OperatorEvent) => boolean {
  const word = new RegExp(`\\b${status}\\b`);
  return (event) =>
    event.kind === kind && (event.data?.['status'] === status || word.test(event.text.split(':')[0] ?? ''));
}

/** Bytes in the files that this owner of the posts wrote. */
function bytesOf(stage: Stage, owner: number): number {
  const folder = join(stage.settings.stateDir, 'baas', 'posts-db');
  const own = readdirSync(folder).filter((name) => new RegExp(`^(data|log)-${owner}-`).test(name));
  return own.reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}
