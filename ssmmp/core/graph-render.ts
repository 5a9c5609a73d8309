/**
 * A graph as text for a terminal, as a mermaid flowchart and as an SVG picture.
 *
 * Lives here: text and mermaid, and the choice between the three. Does not live here: the picture's drawing
 * (graph-svg.ts), where the numbers of what runs come from.
 */
import type { Graph, GraphEdge, GraphService, ServiceKind } from './graph.ts';
import { edgeKey, indexGraph, viewOf } from './graph.ts';
import { layersOf } from './graph-layout.ts';
import { counted } from './graph-live.ts';
import type { LiveGraph } from './graph-live.ts';
import { graphSvg } from './graph-svg.ts';

export type GraphFormat = 'text' | 'mermaid' | 'svg';
export const GRAPH_FORMATS: readonly GraphFormat[] = ['text', 'mermaid', 'svg'];

/** The graph in the format asked for, ended by a newline. With `live` the instances and sessions are told too. */
export function renderGraph(graph: Graph, format: GraphFormat, live: LiveGraph | null = null): string {
  switch (format) {
    case 'text':
      return graphText(graph, live);
    case 'mermaid':
      return graphMermaid(graph, live);
    case 'svg':
      return graphSvg(graph, live);
  }
}

function graphText(graph: Graph, live: LiveGraph | null): string {
  const index = indexGraph(graph);
  const alias = graph.alias === null ? '' : ` (${graph.alias})`;
  const lines = [
    `${graph.cnapp}${alias}: ${counted(graph.services.length, 'service')}, ${counted(graph.edges.length, 'edge')}`,
  ];
  const widthOf = (pick: (edge: GraphEdge) => string): number =>
    Math.max(0, ...graph.edges.map((edge) => pick(edge).length));
  const widths = {
    plug: widthOf((edge) => edge.plug),
    socket: widthOf((edge) => edge.socket),
    dest: widthOf((edge) => edge.dest),
  };
  for (const service of inLayers(graph)) {
    const publicSockets = service.publicSockets.map(({ name, port }) => `  ${name} :${port}`).join('');
    const running = live === null ? '' : `  ${counted(live.instances.get(service.name) ?? 0, 'instance')}`;
    lines.push('', `${service.name}  [${service.kind}]${publicSockets}${running}`);
    const plugs = viewOf(index, service.name)?.plugs ?? [];
    for (const [position, edge] of plugs.entries()) {
      const branch = position === plugs.length - 1 ? '└─' : '├─';
      const sessions = live === null ? '' : `  ${counted(live.sessions.get(edgeKey(edge)) ?? 0, 'session')}`;
      const columns = `${edge.plug.padEnd(widths.plug)} → ${edge.socket.padEnd(widths.socket)}  ${edge.dest.padEnd(widths.dest)}`;
      lines.push(`  ${branch} ${columns}${sessions}`.trimEnd());
    }
  }
  return `${lines.join('\n')}\n`;
}

const MERMAID_SHAPE: Readonly<Record<ServiceKind, readonly [open: string, close: string]>> = {
  gateway: ['([', '])'],
  service: ['[', ']'],
  baas: ['[(', ')]'],
};

function graphMermaid(graph: Graph, live: LiveGraph | null): string {
  // names may be words of mermaid's own (end, class), so vertices are numbered
  const numberOf = new Map(graph.services.map(({ name }, position) => [name, `v${position}`]));
  const lines = ['flowchart LR'];
  for (const service of graph.services) {
    const [open, close] = MERMAID_SHAPE[service.kind];
    const running = live === null ? '' : `<br/>${counted(live.instances.get(service.name) ?? 0, 'instance')}`;
    lines.push(`  ${numberOf.get(service.name)}${open}"${service.name}${running}"${close}`);
  }
  for (const edge of graph.edges) {
    const sessions = live === null ? '' : `<br/>${counted(live.sessions.get(edgeKey(edge)) ?? 0, 'session')}`;
    lines.push(
      `  ${numberOf.get(edge.source)} -->|"${edge.plug} → ${edge.socket}${sessions}"| ${numberOf.get(edge.dest)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Callers before those they call, else in the order of the file. */
function inLayers(graph: Graph): readonly GraphService[] {
  const layers = layersOf(graph);
  return [...graph.services].sort((a, b) => (layers.get(a.name) ?? 0) - (layers.get(b.name) ?? 0));
}
