// The Manager with 1,000 agents and 100,000 open sessions, against a server that only splits the lines.
//
// Every agent opens and closes sessions, one or eight at a time, beside the hundred that it keeps open. Messages of both
// directions are counted. Timers are stretched a hundredfold, so that the heartbeats of a thousand agents are not what is
// measured. The journal is on, with its flush, unless the row says otherwise.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../lib/bench.ts';
import { cpuMs, startNode, type Child } from '../lib/children.ts';
import { manyAgentsGraph, ManyAgents } from '../lib/many-agents.ts';
import { compared } from '../lib/report.ts';
import { turnByTurn, type Side } from '../lib/rounds.ts';
import { startManager } from '../lib/testbed.ts';

const ADDRESS = '127.0.46.71';
const AGENTS = 1000;

export const bench: Bench = async ({ quick }) => {
  const rounds = quick ? 2 : 8;
  const durationMs = quick ? 500 : 2000;
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-bench-'));
  const graph = join(folder, 'graph.json');
  writeFileSync(graph, JSON.stringify(manyAgentsGraph(AGENTS)));
  const splitter = startNode(['bench/baselines/splitter.mjs', ADDRESS, '42010']);
  await splitter.line(/^ready/);
  const bare = await ManyAgents.connect(AGENTS, ADDRESS, 42010);
  bare.pretend();
  const few = await managed(folder, graph, 'few', 42021, 1);
  const many = await managed(folder, graph, 'many', 42022, quick ? 10 : 100);
  try {
    const bareSide = side(splitter, bare, durationMs);
    const manySide = side(many.manager, many.agents, durationMs);
    const againstSplitter = await turnByTurn(rounds, bareSide, manySide);
    const againstFew = await turnByTurn(
      rounds,
      side(few.manager, few.agents, durationMs, [1]),
      side(many.manager, many.agents, durationMs, [1]),
    );
    return [
      compared('manager: 100,000 sessions, one in flight an agent', 'messages/s', againstSplitter['rate 1'], {
        limit: { atLeast: 0.6 },
        reference: { value: 54_000, moreIsBetter: true },
      }),
      compared('manager: 100,000 sessions, eight in flight an agent', 'messages/s', againstSplitter['rate 8'], {
        reference: { value: 166_000, moreIsBetter: true },
      }),
      compared('manager: CPU a message, one in flight', 'µs', againstSplitter['cpu 1']),
      compared('manager: CPU a message at 100,000 sessions against 1,000', 'µs', againstFew['cpu 1'], {
        limit: { atMost: 1.2 },
      }),
    ];
  } finally {
    for (const agents of [bare, few.agents, many.agents]) agents.close();
    await Promise.all([splitter, few.manager, many.manager].map((child) => child.end()));
    rmSync(folder, { recursive: true, force: true });
  }
};

async function managed(
  folder: string,
  graph: string,
  name: string,
  port: number,
  sessions: number,
): Promise<{ manager: Child; agents: ManyAgents }> {
  const manager = await startManager(ADDRESS, graph, join(folder, name), [
    '--port', String(port), '--operator-port', String(port + 100), '--dns-port', String(port + 200),
    '--timer-scale', '100',
  ]); // prettier-ignore
  const agents = await ManyAgents.connect(AGENTS, ADDRESS, port);
  await agents.register();
  await agents.hold(sessions);
  return { manager, agents };
}

function side(server: Child, agents: ManyAgents, durationMs: number, loads: readonly number[] = [1, 8]): Side {
  return async () => {
    const figures: Record<string, number> = {};
    for (const inFlight of loads) {
      await agents.cycle(inFlight, durationMs / 5);
      const before = cpuMs(server.pid);
      const { messages, seconds } = await agents.cycle(inFlight, durationMs);
      figures[`rate ${inFlight}`] = messages / seconds;
      figures[`cpu ${inFlight}`] = (1000 * (cpuMs(server.pid) - before)) / messages;
    }
    return figures;
  };
}
