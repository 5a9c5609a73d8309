/**
 * Where a search begins: two agents, three services (gate → front → store), one instance of each, nothing on its way.
 *
 * Lives here: the graph, the settings, the way to the beginning. Does not live here: the search.
 */
import type { AgentSettings } from '../../agent/core/inputs.ts';
import { newAgentState } from '../../agent/core/state.ts';
import type { ManagerSettings } from '../../manager/core/inputs.ts';
import { initialManager } from '../../manager/core/save.ts';
import type { Graph } from '../../ssmmp/core/graph.ts';
import { parseGraph } from '../../ssmmp/core/graph-parse.ts';
import { makeMove, movesOf, type Rules } from './moves.ts';
import { Memory } from './memory.ts';
import { Play } from './play.ts';
import type { Budget, World } from './world.ts';

const GRAPH = `
cnapp: small
alias: gateway.small.test
services:
  gate:  {kind: gateway, public: {users: 8080}, replicas: {min: 1, max: 1}}
  front: {kind: service, replicas: {min: 1, max: 2}}
  store: {kind: baas, replicas: {min: 1, max: 1}}
edges:
  - [gate, [front-plug, front-socket], front]
  - [front, [store-plug, store-socket], store]
`;

/** Services of which one process at a time may live. */
export const STORES: ReadonlySet<string> = new Set(['store']);
/** The first beats of the Manager are over at this time; the next is half a second later. */
const BEGIN_MS = 1_000_000;
const BEAT_MS = 500;

const SETTINGS: ManagerSettings = {
  address: '127.0.0.1',
  cluster: 'small',
  timerScale: 1,
  strict: false,
  sharedAddress: false,
  portFirst: 54000,
  portLast: 54009,
};

function agentSettings(node: number): AgentSettings {
  return {
    address: `127.0.0.${11 + node}`,
    port: 55556,
    node: `n${node + 1}`,
    repository: ['gate', 'front', 'store'].map((name) => ({
      name,
      sockets: null,
      plugs: null,
      run: ['x'],
      env: {},
      spares: 0,
    })) as unknown as AgentSettings['repository'],
    dataDir: '/data',
    baseEnv: {},
    timerScale: 1,
    strict: false,
    sharedAddress: false,
    seed: node,
  };
}

export function smallGraph(): Graph {
  const parsed = parseGraph(GRAPH, 'small.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.graph;
}

/** The world in which everything is on, at the moment after a beat, and the rules' horizon for it. */
export function beginning(budget: Budget): { memory: Memory; world: World; horizon: number } {
  const memory = new Memory([agentSettings(0), agentSettings(1)], budget.faults);
  const world: World = {
    now: BEGIN_MS,
    manager: memory.managers.keep(initialManager()),
    epoch: 1,
    agents: [0, 1].map(() => ({ cell: memory.agents.keep(newAgentState()), link: 0, disk: -1 })),
    instances: [],
    sessions: [],
    queues: new Map(),
    nextConnection: 0,
    budget: { faults: 0, commands: 0, needs: 0, waits: Number.MAX_SAFE_INTEGER },
  };
  const play = new Play(memory, world);
  play.manager({ kind: 'manager_started', epoch: 1, graph: smallGraph(), settings: SETTINGS });
  [0, 1].forEach((node) =>
    play.agent(node, { kind: 'agent_started', settings: agentSettings(node), remembered: null }),
  );
  const rules: Rules = { commands: {}, faults: [], horizon: BEGIN_MS + BEAT_MS + 1 };
  for (let moves = movesOf(play, rules); moves.length > 0; moves = movesOf(play, rules))
    makeMove(play, moves[0] as string, rules);
  const { instances } = memory.managers.state(world.manager);
  const statuses = [...instances.values()].map(({ service, status }) => `${service} ${status}`).sort();
  if (statuses.join() !== 'front on,gate on,store on') throw new Error(`not begun: ${statuses.join()}`);
  world.budget = budget;
  return { memory, world, horizon: world.now + BEAT_MS };
}
