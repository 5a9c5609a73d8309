// A real Manager and real agents, from dist/, with a graph and a repository made for a bench, in a folder that goes afterwards.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode, type Child } from './children.ts';
import { openClient, type LineClient } from './line-client.ts';

/** As in a graph file. */
export interface GraphFile {
  readonly services: Record<string, object>;
  readonly edges: ReadonlyArray<readonly [source: string, pair: readonly [plug: string, socket: string], dest: string]>;
  readonly policies?: Readonly<Record<string, string>>;
}

/** As in a repository file. */
export type RepositoryFile = Record<
  string,
  { run: string[]; plugs?: string[]; env?: Record<string, string>; spares?: number }
>;

export interface Testbed {
  readonly manager: Child;
  readonly agents: readonly Child[];
  readonly folder: string;
  stop(): Promise<void>;
}

export interface TestbedOptions {
  readonly managerAddress: string;
  readonly agentAddresses: readonly string[];
  readonly graph: GraphFile;
  readonly repository: RepositoryFile;
  readonly managerFlags?: readonly string[];
}

/** Manager and agents, up to the point where both have said that they run. */
export async function startTestbed(options: TestbedOptions): Promise<Testbed> {
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-bench-'));
  const graph = join(folder, 'graph.json');
  const repository = join(folder, 'repository.json');
  writeFileSync(graph, JSON.stringify({ cnapp: 'bench', ...options.graph }));
  writeFileSync(repository, JSON.stringify({ services: options.repository }));
  const manager = await startManager(options.managerAddress, graph, join(folder, 'manager'), options.managerFlags);
  const agents: Child[] = [];
  for (const [index, address] of options.agentAddresses.entries()) {
    const stateDir = join(folder, 'nodes', String(index + 1));
    mkdirSync(stateDir, { recursive: true });
    agents.push(
      startNode([
        'dist/agent.js', '--address', address, '--manager', options.managerAddress,
        '--repository', repository, '--state-dir', stateDir,
      ]),
    ); // prettier-ignore
  }
  return {
    manager,
    agents,
    folder,
    stop: async () => {
      // Agents first: they end their instances, and nobody starts new ones.
      await Promise.all(agents.map((agent) => agent.end()));
      await manager.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A Manager alone, once it listens. */
export async function startManager(
  address: string,
  graphFile: string,
  stateDir: string,
  flags: readonly string[] = [],
): Promise<Child> {
  mkdirSync(stateDir, { recursive: true });
  const manager = startNode([
    'dist/manager.js', '--graph', graphFile, '--address', address, '--state-dir', stateDir, ...flags,
  ]); // prettier-ignore
  await manager.line(/^ready/);
  return manager;
}

/** A connection to a socket that is about to listen; gives up after so long. */
export async function connectWhenThere(address: string, port: number, patienceMs = 15_000): Promise<LineClient> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await openClient(address, port);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
