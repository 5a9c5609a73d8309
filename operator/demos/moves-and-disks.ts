/** Demos of moving, of a torn journal and of full disks. Lives here: what is done, and what was promised. */
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { postOnce } from '../../load/shell/ask-once.ts';
import { fact, withinMs } from '../core/demo-report.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { instanceName } from '../core/tables.ts';
import type { Demo, Stage } from './stage.ts';

/** Promises of docs/recovery.md and docs/faults.md, in milliseconds. */
const MOVE_MS = { service: 1000, store: 2000 };
const MANAGER_BACK_MS = 3000;
const STORE_BACK_MS = 2000;
const UNNOTICED_MS = 1000;
/** After users came, everything they need has been started by then. */
const CALM_MS = 1500;
/** A disk is full for so long, so that it can be watched. */
const FULL_MS = 1500;

export const MIGRATE: Demo = {
  name: 'migrate',
  title: 'a service and its store move while they work',
  story: [
    'Four users post and read, one sends files. `post`, `posts-db` and `file-store` are moved to other nodes, one after another.',
    'A service starts there before it ends here; of a store there is only ever one, so its users wait for a moment.',
  ],
  needsOwn: false,
  senders: 1,
  readers: 0,
  async run(stage) {
    const measures = [];
    const fromMs = performance.now();
    for (const service of ['post', 'posts-db', 'file-store']) {
      const instance = await stage.one(service);
      const from = await stage.nodeOf(instance);
      stage.say(`migrate ${instanceName(instance)} away from node ${from}`);
      await stage.client.command({ command: 'migrate', instance: instanceName(instance) });
      const to = await stage.nodeOf(await stage.one(service));
      measures.push(fact(`${service} runs on another node`, `node ${from} → node ${to}`, to !== from));
      await stage.watchUsers(300);
    }
    return [...measures, ...stage.users(fromMs, MOVE_MS.store)];
  },
};

export const TORN_LOG: Demo = {
  name: 'torn-log',
  title: "the Manager's journal is torn at its end",
  story: [
    'The Manager and its supervisor are killed. The last record of the journal, and of its mirror, is torn in the middle,',
    'as a power cut tears what was being written. Then both are started again.',
    'What is recovered is a prefix: every record before the torn one, none changed, none invented. Agents tell the rest.',
  ],
  needsOwn: true,
  senders: 0,
  readers: 0,
  async run(stage) {
    // what is torn off is not the start of something that users are waiting for
    await stage.watchUsers(CALM_MS);
    const before = await running(stage);
    stage.say('kill the Manager and its supervisor');
    const atMs = performance.now();
    await stage.fault({ kind: 'manager-off', forMs: null });
    const { stateDir } = stage.settings;
    const torn = ['journal', 'mirror'].map((name) => tear(join(stateDir, name))).filter((one) => one !== null);
    const [journal] = torn;
    if (journal === undefined) throw new OperatorError(EXIT.failed, 'there is no journal to tear');
    stage.say(
      `torn: ${journal.name} of ${torn.length === 2 ? 'journal and mirror' : 'the journal'}, in record ${journal.records + 1}`,
    );
    const backMs = performance.now();
    await stage.undo();
    await stage.until('the Manager is ready', async () => (await stage.client.readiness()).isReady);
    const back = performance.now() - backMs;
    const text = readFileSync(journal.path, 'latin1');
    const isPrefix = text.startsWith(journal.whole);
    await stage.until('every node is registered', async () =>
      (await stage.nodes()).every(({ status }) => status === 'registered'),
    );
    await stage.watchUsers(500);
    const after = await running(stage);
    return [
      withinMs('the Manager is back', MANAGER_BACK_MS, back),
      fact(
        `the ${journal.records} records before the tear are recovered, unchanged`,
        isPrefix ? 'a prefix' : 'something else',
        isPrefix,
      ),
      fact(
        'no instance is started again',
        before === after ? 'the same processes' : `${before} → ${after}`,
        before === after,
      ),
      ...stage.users(atMs, 2 * UNNOTICED_MS),
    ];
  },
};

export const DISK_FULL: Demo = {
  name: 'disk-full',
  title: 'the disk of a store is full, then that of the Manager',
  story: [
    'The disk under `posts-db` takes nothing any more: a post is answered 503 and why, reading goes on, nothing is torn.',
    "Then that of the Manager's journal: it acknowledges nothing and stays readable; users on their sessions go on.",
  ],
  needsOwn: false,
  senders: 0,
  readers: 1,
  async run(stage) {
    await stage.one('posts-db');
    const [gateway] = stage.gateways();
    if (gateway === undefined) throw new OperatorError(EXIT.failed, 'no gateway serves');
    const post = await postOnce(gateway);
    stage.say('fill the disk of posts-db');
    const atMs = performance.now();
    await stage.fault({ kind: 'fill-disk', whose: 'posts-db', forMs: null });
    const answer = await post();
    await stage.watchUsers(FULL_MS);
    const reads = stage.crew.since(atMs).filter(({ kind, outcome }) => kind === 'read' && outcome === 'ok').length;
    stage.say('make room');
    const roomMs = performance.now();
    await stage.undo();
    const served = await stage.servedAfter(roomMs, 'post');

    stage.say("fill the disk of the Manager's journal");
    const fullMs = performance.now();
    await stage.fault({ kind: 'fill-disk', whose: 'manager', forMs: null });
    // it notices with the next thing that it has to write down
    const refused = await stage.until('the Manager says that its disk is full', async () => {
      const { isReady, reason } = await stage.client.readiness();
      return isReady ? null : reason;
    });
    const isReadable = (await stage.client.list('instances')).length > 0;
    await stage.watchUsers(FULL_MS);
    const usersGoOn = stage.users(fullMs, UNNOTICED_MS);
    stage.say('make room');
    const againMs = performance.now();
    await stage.undo();
    await stage.until('the Manager is ready', async () => (await stage.client.readiness()).isReady);
    const back = performance.now() - againMs;
    return [
      fact(
        'a post is answered 503 and why',
        `${answer.status}: ${answer.said}`,
        answer.status === 503 && /disk/.test(answer.said),
      ),
      fact('reading goes on', `${reads} reads`, reads > 0),
      withinMs('with room again, posts are served', STORE_BACK_MS, served),
      fact('the Manager says that it cannot write', refused, /disk|ENOSPC|journal/i.test(refused)),
      fact('it stays readable', isReadable ? 'it lists its instances' : 'no', isReadable),
      ...usersGoOn,
      withinMs('with room again, the Manager is back', MANAGER_BACK_MS, back),
    ];
  },
};

/** What runs, with its processes. */
async function running(stage: Stage): Promise<string> {
  const rows = (await stage.client.list('instances')).filter(({ status }) => status !== 'off');
  return rows.map((row) => `${instanceName(row)} ${row.pid}`).sort().join(', '); // prettier-ignore
}

interface Torn {
  readonly path: string;
  readonly name: string;
  /** Everything before the torn record. */
  readonly whole: string;
  readonly records: number;
}

/** Cuts the last record of the newest segment in its middle; null where there is no segment. */
function tear(folder: string): Torn | null {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /^journal-\d+\.jsonl$/.test(name));
  } catch {
    return null; // there is no mirror
  }
  const name = names.sort().at(-1);
  if (name === undefined) return null;
  const path = join(folder, name);
  const text = readFileSync(path, 'latin1');
  const end = text.endsWith('\n') ? text.length - 1 : text.length;
  const start = text.lastIndexOf('\n', end - 1) + 1;
  truncateSync(path, start + Math.floor((end - start) / 2));
  const whole = text.slice(0, start);
  return { path, name, whole, records: whole.split('\n').length - 2 };
}
