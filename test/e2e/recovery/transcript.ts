/**
 * The transcripts of docs/recovery.md against what really happened.
 *
 * Lives here: reading a transcript out of the document, making lines of messages, events, the supervisor's words and
 * what a user was answered, comparing, and writing it anew with UPDATE_TRANSCRIPTS=1. Does not live here: the faults.
 *
 * A transcript stands in a block below `<!-- transcript NAME -->`. Every line of it must have happened, in this order;
 * what happened in between may be left out of the document. Times, numbers of instances, nodes and processes are for the
 * reader and are not compared.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Cluster } from '../cluster.ts';
import { OperatorPort } from '../operator-port.ts';
import type { Done } from '../plain-user.ts';

const DOCUMENT = new URL('../../../docs/recovery.md', import.meta.url);
/** Lines of other kinds say nothing about recovery. */
const LEFT_OUT = /health|session_ack|initiation_response/;

interface TraceRow {
  readonly time: string;
  readonly hop: string;
  readonly from: string;
  readonly to: string;
  readonly exchange: string;
  readonly message: string;
}

interface EventRow {
  readonly time: string;
  readonly what?: string;
  readonly kind?: string;
  readonly text: string;
}

export interface Told {
  /** Milliseconds since the fault. */
  readonly ms: number;
  readonly text: string;
}

/** Messages between agents and Manager, and the Manager's events, since `fromMs`, in order. `about`: which are kept. */
export async function happened(cluster: Cluster, fromMs: number, about: RegExp): Promise<Told[]> {
  const operator = new OperatorPort(cluster.manager, cluster.stateDir);
  const since = Math.round(fromMs);
  const rows = await operator.list<TraceRow>(`trace?since=${since}`);
  const events = (await operator.list<EventRow>('events')).filter(({ time }) => Date.parse(time) >= since);
  const told: (Told & { rank: number })[] = [];
  const exchanges = new Set<string>();
  for (const row of rows) {
    if (row.hop !== 'agent-Manager' || LEFT_OUT.test(row.message)) continue;
    const text = messageText(cluster, row);
    if (!about.test(text) && !exchanges.has(row.exchange)) continue;
    exchanges.add(row.exchange);
    told.push({ ms: Date.parse(row.time) - since, text, rank: 1 });
  }
  for (const event of events) {
    const text = `Manager: ${nodeNames(cluster, event.text)}`.replaceAll(cluster.stateDir, 'STATE-DIR');
    const isSession = (event.what ?? event.kind ?? '').startsWith('session');
    if (!isSession && about.test(text)) told.push({ ms: Date.parse(event.time) - since, text, rank: 2 });
  }
  return told.sort((a, b) => a.ms - b.ms || a.rank - b.rank);
}

/** What the supervisor wrote into its log since `fromMs`. It is no part of the protocol, so the trace has nothing of it. */
export function supervisorSaid(cluster: Cluster, fromMs: number): Told[] {
  const lines = readFileSync(join(cluster.stateDir, 'supervisor.log'), 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => JSON.parse(line) as { time: string; msg: string })
    .map(({ time, msg }) => ({ ms: Date.parse(time) - fromMs, text: `supervisor: ${msg}` }))
    .filter(({ ms }) => ms >= 0);
}

/**
 * Requests of users, each at the time it was sent, with what became of it: when it was answered is no part of the order,
 * since that may be before or after anything else.
 */
export function asked(requests: readonly Done[], fromMs: number): Told[] {
  const clockMs = Date.now() - performance.now(); // up to 1 ms too little, hence the ceil
  const sent = requests.toSorted((a, b) => a.startMs - b.startMs);
  return sent.map(({ type, status, said, startMs, endMs }) => ({
    ms: Math.ceil(clockMs + startMs - fromMs),
    text: `user: ${type}, ${status}${said === '' ? '' : ` ${said}`} after ${Math.round(endMs - startMs)} ms`,
  }));
}

/** Several lists as one, by time; of the same millisecond, the earlier list first. */
export function inOrder(...lists: Told[][]): Told[] {
  return lists.flat().sort((a, b) => a.ms - b.ms);
}

/** The transcript `name` of docs/recovery.md is what happened. */
export function expectTranscript(name: string, told: readonly Told[]): void {
  const document = readFileSync(DOCUMENT, 'utf8');
  const start = document.indexOf(`<!-- transcript ${name} -->`);
  expect(start, `docs/recovery.md has a transcript ${name}`).to.not.equal(-1);
  const open = document.indexOf('```text\n', start) + '```text\n'.length;
  const close = document.indexOf('```', open);
  if (process.env['UPDATE_TRANSCRIPTS'] === '1') {
    const lines = told.map(({ ms, text }) => `${`+${ms}`.padStart(6)} ms  ${text}\n`);
    writeFileSync(DOCUMENT, document.slice(0, open) + lines.join('') + document.slice(close));
    return;
  }
  const wanted = document.slice(open, close).trimEnd().split('\n');
  let at = 0;
  for (const line of wanted) {
    const text = comparable(line.replace(/^ *\+\d+ ms {2}/, ''));
    const found = told.findIndex((one, index) => index >= at && comparable(one.text) === text);
    if (found === -1)
      throw new Error(
        `docs/recovery.md, transcript ${name}: after the lines before it there was no\n  ${line}\nbut\n` +
          told
            .slice(at)
            .map((one) => `  +${one.ms} ms  ${one.text}\n`)
            .join(''),
      );
    at = found + 1;
  }
}

function messageText(cluster: Cluster, { from, to, message }: TraceRow): string {
  const fields = new Map(
    message.split(' ~ ').map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
  );
  const shown: string[] = [];
  const service = fields.get('service_name') ?? fields.get('dest_service_name');
  const id = fields.get('service_instance_id') ?? fields.get('dest_service_instance_id');
  if (service !== undefined) shown.push(id === undefined || id === '' ? service : `${service}/${id}`);
  for (const name of ['status', 'x_exit', 'x_running_instances', 'x_epoch']) {
    const contents = fields.get(name);
    if (contents !== undefined) shown.push(`${name}: ${contents}`);
  }
  const way = `${nodeNames(cluster, from)} → ${nodeNames(cluster, to)}`;
  return `${way.padEnd(20)} ${fields.get('type') ?? ''}  ${shown.join(', ')}`.trimEnd();
}

/** `node 2` for its address. */
function nodeNames(cluster: Cluster, text: string): string {
  return text.replaceAll(new RegExp(`${cluster.subnet.replaceAll('.', '\\.')}\\.1(\\d)\\b`, 'g'), 'node $1');
}

/**
 * What is compared: no numbers of instances, nodes, processes, epochs and milliseconds. Whether an agent that comes back was
 * suspect by then, or not yet, is a matter of milliseconds too.
 */
function comparable(text: string): string {
  return text
    .replaceAll(/\/\d+/g, '/N')
    .replaceAll(/node \d+/g, 'node N')
    .replaceAll(/\d+(, \d+)* ?ms/g, 'N ms')
    .replaceAll(/pid \d+/g, 'pid N')
    .replaceAll(/, was (registered|suspect)$/g, ', was not lost')
    .replaceAll(/x_epoch: \d+|epoch \d+/g, 'epoch N')
    .replaceAll(/x_running_instances:[ \d,]*/g, 'x_running_instances: …')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
