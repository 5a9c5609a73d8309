/**
 * Lab 6 done right: the Manager killed, kept away, met by one from the past; the journal copied, torn and brought back.
 *
 * Lives here: that, and what a student reads from events, trace and journal.
 */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { linesOf } from '../../runner/api.ts';
import type { Evidence, LabCluster, Work } from '../../runner/api.ts';
import { absencesOf, isWithin, postsOf, refusalsOf, waitedOf } from '../absence.ts';
import {
  ASIDE,
  copyOf,
  eventsOf,
  historyOf,
  lineAround,
  linesBefore,
  newestSegment,
  recordsIn,
  started,
} from '../journals.ts';
import type { Segment } from '../journals.ts';

/** Longer than what the check takes for an absence. */
const AWAY_MS = 3_000;
const LONG_MS = 30_000;
const NODES = 3;
/** Exit code of a command that reached no Manager. */
const NOT_REACHED = 3;

export async function operate(work: Work): Promise<void> {
  const cluster = await work.upOwn();
  const own = work.path(join('.ssmmp', 'journal'));
  await cluster.enter('alice');
  mkdirSync(work.path('old'));
  cpSync(own, work.path(join('old', 'journal')), { recursive: true });
  await cluster.must('kill', 'manager');
  await backAgain(cluster, 2);
  await user(cluster, 'send-post', 'one');
  await user(cluster, 'last-posts');

  const names = await cluster.must('get', 'instances', '-o', 'name');
  const table = names.split('\n').find((name) => name.startsWith('table/')) ?? '';
  await away(work, cluster);
  const since = Date.now();
  await user(cluster, 'send-post', 'two');
  await cluster.must('kill', 'instance', table);
  writeFileSync(work.path('notes.txt'), 'waited for a Manager\n');
  const file = user(cluster, 'send-file', work.path('notes.txt'));
  await cluster.evidenceOf('the gateway asked for a session', ({ trace }) =>
    trace.some(
      ({ hop, message }) => hop === 'instance-agent' && linesOf(message).get('source_plug_name') === 'file-plug',
    ),
  );
  await sleep(Math.max(0, since + AWAY_MS - Date.now()));
  await cluster.must('fault', 'continue', 'supervisor');
  await backAgain(cluster, 3);
  await file;
  await cluster.must('scale', 'post', '2');

  await away(work, cluster);
  const words = ['--graph', work.path('graph.yaml'), '--state-dir', work.path('old'), '--subnet', cluster.subnet];
  const old = work.node(join(work.places.dist, 'ssmmp.js'), ['manager', ...words]);
  const met = cluster.evidenceOf(
    'the old Manager met every agent',
    (evidence) => new Set(refusalsOf(evidence).map(({ agent }) => agent)).size === NODES,
    LONG_MS,
  );
  // A start that fails counts too: a second one would have caught up with the real Manager, and be obeyed.
  const ended = old.then(({ err }) => {
    throw new Error(`the old Manager ended: ${err}`);
  });
  await Promise.race([met, ended]);
  await work.node(join(work.places.dist, 'ssmmp.js'), ['kill', 'manager', ...words.slice(2)]);
  await old;
  await cluster.must('fault', 'continue', 'supervisor');
  await backAgain(cluster, 4);
  await cluster.evidenceOf('all agents are back', ({ events }) => {
    const start = events.findLast(({ what, data }) => what === 'manager' && 'epoch' in data);
    return (
      events.filter(({ seq, text }) => seq > (start?.seq ?? 0) && text.includes('registered as node')).length === NODES
    );
  });

  await cluster.stop();
  cpSync(own, work.path('before'), { recursive: true });
  const copy = copyOf(work);
  writeFileSync(join(own, copy.name), copy.bytes.subarray(0, chosen(copy).tear));
  const again = await work.upOwn({ args: ['--subnet', cluster.subnet] });
  await again.stop();
}

export async function answer(work: Work): Promise<void> {
  const evidence = await historyOf(work);
  const { events, journal } = evidence;
  const absence = absencesOf(evidence).find(({ back, fromAt }) => back.at - fromAt > AWAY_MS - 1_000);
  if (absence === undefined) throw new Error('the Manager was never away');
  const [waited] = waitedOf(evidence, absence, 'file-plug');
  const noticed = events.find(
    ({ seq, text }) => seq > absence.back.seq && text.endsWith('its agent came back without it'),
  );
  const scaled = events.find(({ text }) => text.startsWith('operator scales'));
  const [refusal] = refusalsOf(evidence);
  const unknown = eventsOf(await recordsIn(work.path(join('old', 'journal')))).filter(({ text }) =>
    text.endsWith('it is killed'),
  );
  const spared = events.find(
    ({ at, text, data }) =>
      at > (refusal?.at ?? 0) &&
      text.endsWith('unknown → on: its agent is back') &&
      unknown.some((other) => other.data['service_instance_id'] === data['service_instance_id']),
  );
  const copy = copyOf(work);
  const aside = readdirSync(evidence.stateDir).find((name) => name.startsWith(ASIDE)) ?? '';
  const tear = newestSegment(join(evidence.stateDir, aside))?.bytes.length ?? 0;
  const { flip } = chosen(copy);
  const torn = started(work.scratch('tear'), copy, copy.bytes.subarray(0, tear));
  if (!torn.ok) throw new Error(torn.problem);
  const { from } = lineAround(copy, flip);
  const all = linesBefore(copy, copy.bytes.length) - 1;
  const restored = absencesOf(evidence).find((each) => each.restored !== null);
  const first = events.find(({ seq, data }) => seq > (restored?.back.seq ?? 0) && data['status'] === 'starting');
  const post = [...postsOf(evidence)].find(([, at]) => isWithin(absence, at));
  work.write(
    'answers.yaml',
    stringify({
      predict: { post: 'goes on', first_file: 'waits', scale: 'refused', crash: 'waits' },
      away: {
        back: absence.back.seq,
        post: post?.[0] ?? 0,
        file: waited?.exchange ?? '',
        file_waited_ms: waited?.waitedMs ?? 0,
        died: noticed?.text.split(' ')[0] ?? '',
        noticed: noticed?.seq ?? 0,
        scaled: scaled?.seq ?? 0,
      },
      split: {
        exchange: refusal?.exchange ?? '',
        status: refusal?.status ?? 0,
        old_epoch: refusal?.epoch ?? 0,
        seen_epoch: refusal?.seenEpoch ?? 0,
        refused_by: 'agent',
        spared: spared?.text.split(' ')[0] ?? '',
      },
      tear: {
        at: tear,
        verdict: 'prefix',
        last_record: torn.nextRecord - 1,
        instances: onAt(journal, torn.nextRecord - 1),
      },
      flip: {
        at: flip,
        verdict: 'refused',
        offset: from,
        last_record: linesBefore(copy, from) - 1,
        given_up: all - linesBefore(copy, from),
      },
      mirror: {
        comes_back: 'everything',
        last_record: (restored?.record ?? 0) - 1,
        kept_in: aside,
        first_id: Number(first?.data['service_instance_id'] ?? 0),
      },
    }),
  );
}

/** Two bytes: in the middle of a record in the middle, and in that of one at two thirds. */
function chosen(copy: Segment): { readonly tear: number; readonly flip: number } {
  const middleOf = (at: number): number => {
    const { from, end } = lineAround(copy, Math.floor(at));
    return Math.floor((from + end) / 2);
  };
  return { tear: middleOf(copy.bytes.length / 2), flip: middleOf((copy.bytes.length * 2) / 3) };
}

/** How many instances are on after a record, counted from the events. */
function onAt(journal: Evidence['journal'], record: number): number {
  const on = new Set<unknown>();
  for (const { what, data } of eventsOf(journal.filter(({ n }) => n <= record))) {
    if (what !== 'instance' || data['status'] === undefined) continue;
    if (data['status'] === 'on') on.add(data['service_instance_id']);
    else on.delete(data['service_instance_id']);
  }
  return on.size;
}

/** Kills the Manager so that nobody starts it again; its ports are free when this is done. */
async function away(work: Work, cluster: LabCluster): Promise<void> {
  await cluster.must('fault', 'stop', 'supervisor');
  await cluster.must('kill', 'manager');
  await work.until('nobody answers', async () => (await cluster.ssmmp('get', 'nodes')).code === NOT_REACHED);
}

/** Waits for the start of this Manager. */
async function backAgain(cluster: LabCluster, epoch: number): Promise<void> {
  await cluster.evidenceOf(`a Manager of epoch ${epoch}`, ({ events }) =>
    events.some(({ what, data }) => what === 'manager' && data['epoch'] === epoch),
  );
}

/** A command of alice, which must succeed. */
async function user(cluster: LabCluster, ...words: string[]): Promise<void> {
  const { code, err } = await cluster.cnapp('alice', words);
  if (code !== 0) throw new Error(`cnapp ${words.join(' ')}: ${err}`);
}
