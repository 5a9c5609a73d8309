/** `ssmmp graph`: the abstract graph, with what runs of it. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { edgeKey } from '../../ssmmp/core/graph.ts';
import type { LiveGraph } from '../../ssmmp/core/graph-live.ts';
import { GRAPH_FORMATS, renderGraph } from '../../ssmmp/core/graph-render.ts';
import type { GraphFormat } from '../../ssmmp/core/graph-render.ts';
import { liveRows } from '../core/rows.ts';
import { readGraphFile } from '../shell/graph-file.ts';
import type { OperatorClient } from '../shell/operator-client.ts';
import { writeData } from '../shell/output.ts';
import { clientOf, settingsOf, withExamples } from './command.ts';

export function addGraph(program: Command): void {
  const command = program
    .command('graph')
    .description('the abstract graph as text, mermaid or SVG; of the running cluster, or of a file')
    .argument('[file]', 'a graph file; without it the graph of the running cluster')
    .addOption(new Option('--format <format>', 'how it is drawn').choices(GRAPH_FORMATS).default('text'))
    .action(async (file: string | undefined, options: { format: GraphFormat }, self: Command) => {
      const client = clientOf(self);
      const graph = file === undefined ? await client.graph() : await readGraphFile(file);
      if (settingsOf(self).output === 'json') {
        writeData(`${JSON.stringify(graph, null, 2)}\n`);
        return;
      }
      writeData(renderGraph(graph, options.format, file === undefined ? await liveGraph(client) : null));
    });
  withExamples(command, [
    ['ssmmp graph', 'the running graph with instances and sessions'],
    ['ssmmp graph --format svg > graph.svg', 'a picture'],
    ['ssmmp graph labs/graphs/abstract-example.yaml', 'check and draw a file; no cluster needed'],
  ]);
}

async function liveGraph(client: OperatorClient): Promise<LiveGraph> {
  const [services, sessions] = await Promise.all([client.list('services'), client.list('sessions')]);
  const open = new Map<string, number>();
  for (const session of liveRows('sessions', sessions)) {
    const key = edgeKey({ source: session.source_service_name, plug: session.source_plug_name });
    open.set(key, (open.get(key) ?? 0) + 1);
  }
  return { instances: new Map(services.map((row) => [row.service_name, row.running])), sessions: open };
}
