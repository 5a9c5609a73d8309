// The Manager is killed; how long until a session is granted again? With 100,000 entries in its journal, under its supervisor.
//
// One agent, played here, looks for the Manager as a real one does (50 to 250 ms between two tries), registers with the
// instances it has, and asks for a session. The time is from the SIGKILL to the `session_response` with 200. There is no baseline:
// the limit is a time. It holds the start of Node, reading the newest segment, the lock, the ports, and the agent's next try.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../lib/bench.ts';
import { startNode } from '../lib/children.ts';
import { GATEWAY, manyAgentsGraph, ManyAgents, STORE } from '../lib/many-agents.ts';
import { Operator } from '../lib/operator.ts';
import { spread } from '../lib/stats.ts';

const ADDRESS = '127.0.46.72';
const PORT = 42031;
/** The first address of ManyAgents. */
const AGENT = '127.46.1.1';
const RECORDS = 100_000;
/** Of the five messages of a cycle four come in, and each of these is a record. */
const RECORDS_A_MESSAGE = 4 / 5;
const TRIES_MAX = 100;
/** A Manager that ran so long is started again at once (ssmmp/core/restart-wait.ts). */
const STEADY_MS = 5_200;

export const bench: Bench = async ({ quick }) => {
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-bench-'));
  const graph = join(folder, 'graph.json');
  const state = join(folder, 'state');
  writeFileSync(graph, JSON.stringify(manyAgentsGraph(1)));
  const supervisor = startNode([
    'dist/supervisor.js', '--state-dir', state, '--manager', 'dist/manager.js', '--operator', `${ADDRESS}:55570`,
    '--', '--graph', graph, '--address', ADDRESS, '--state-dir', state, '--port', String(PORT),
  ]); // prettier-ignore
  try {
    await untilListening();
    const agents = await ManyAgents.connect(1, ADDRESS, PORT);
    await agents.register();
    for (let records = 0; records < (quick ? RECORDS / 20 : RECORDS);)
      records += RECORDS_A_MESSAGE * (await agents.cycle(64, 1000)).messages;
    const operator = new Operator(ADDRESS, state);
    const ids = [await operator.instanceOf(GATEWAY), await operator.instanceOf(STORE)].map(
      ({ service_instance_id: id }) => id,
    );
    agents.close();
    const times: number[] = [];
    for (let round = 0; round < (quick ? 2 : 8); round += 1) {
      await sleep(STEADY_MS);
      const { pid } = JSON.parse(readFileSync(join(state, 'manager.pid'), 'utf8')) as { pid: number };
      const from = performance.now();
      process.kill(pid, 'SIGKILL');
      await firstSession(ids);
      times.push(performance.now() - from);
    }
    const figure = `restart: Manager killed until a session is granted, ${quick ? 5_000 : RECORDS} entries`;
    return [{ figure, unit: 'ms', measured: spread(times), limit: { atMost: 1000 } }];
  } finally {
    await supervisor.end();
    rmSync(folder, { recursive: true, force: true });
  }
};

async function untilListening(): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(20)) if (await opens()) return;
  throw new Error('the Manager does not listen');
}

function opens(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ADDRESS, port: PORT }, () => resolve(true));
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
  });
}

/** Tries like an agent until the Manager has granted a session. */
async function firstSession(ids: readonly number[]): Promise<void> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    if (await isGranted(ids)) return;
    const most = Math.min(250, 50 * 2 ** attempt);
    await sleep(50 + Math.random() * (most - 50));
  }
  throw new Error('no session was granted');
}

/** Registers and asks; false where the connection cannot be had or breaks. */
function isGranted(ids: readonly number[]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ADDRESS, port: PORT, localAddress: AGENT, noDelay: true });
    let rest = '';
    const say = (line: string): void => void socket.write(`${line}\n`);
    const end = (granted: boolean): void => {
      socket.destroy();
      resolve(granted);
    };
    socket.setEncoding('latin1').on('error', () => end(false)).on('close', () => end(false)); // prettier-ignore
    socket.on('connect', () =>
      say(
        `type: initiation_request ~ message_id: 1 ~ agent_network_address: ${AGENT} ~ service_repository: (${GATEWAY}, ${STORE}) ~ x_running_instances: ${ids.join(', ')}`,
      ),
    );
    socket.on('data', (chunk: unknown) => {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) {
        if (line.startsWith('type: initiation_response'))
          say(
            `type: session_request ~ message_id: ${Date.now()} ~ sub_type: agent_to_Manager ~ source_service_name: ${GATEWAY} ~ source_service_instance_id: ${ids[0]} ~ source_service_instance_network_address: ${AGENT} ~ source_plug_name: store-plug ~ dest_service_name: ${STORE} ~ dest_socket_name: store-socket`,
          );
        if (line.startsWith('type: session_response')) end(line.includes(' ~ status: 200'));
      }
    });
  });
}
