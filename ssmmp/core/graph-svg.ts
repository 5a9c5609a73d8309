/**
 * The SVG picture of a graph.
 *
 * Lives here: sizes, boxes, curves. Does not live here: which box stands where among the others
 * (graph-layout.ts).
 *
 * A service is a box with its sockets along the left side and its plugs along the right side; an edge runs
 * from a plug to a socket. So every name stands once, inside its box, and parallel edges stay apart.
 */
import type { Graph, GraphEdge, ServiceKind, ServiceView } from './graph.ts';
import { edgeKey, indexGraph, viewOf } from './graph.ts';
import { layoutGraph } from './graph-layout.ts';
import type { GraphLayout, LayoutItem } from './graph-layout.ts';
import { counted } from './graph-live.ts';
import type { LiveGraph } from './graph-live.ts';

/** All lengths in pixels. */
const MARGIN = 24;
const LETTER_WIDTH = 7;
const TITLE_LETTER_WIDTH = 8.2;
const TITLE_HEIGHT = 30;
const LIVE_HEIGHT = 16;
const ROW_HEIGHT = 20;
const BOX_GAP = 22;
const WAYPOINT_HEIGHT = 14;
const LAYER_GAP = 110;
const SIDE = 12;
const BOX_WIDTH_MIN = 96;
const HEADING_HEIGHT = 34;

const FILL: Readonly<Record<ServiceKind, string>> = { gateway: '#fde9c8', service: '#dcebfb', baas: '#ddf0dc' };
const STROKE: Readonly<Record<ServiceKind, string>> = { gateway: '#b9770e', service: '#2e6da4', baas: '#3c763d' };

interface Box {
  readonly view: ServiceView;
  readonly width: number;
  readonly height: number;
  x: number;
  y: number;
}

/** An edge that a picture points at. */
const MARKED = '#d1540f';

/** The whole SVG document, ended by a newline. Edges whose `edgeKey` is in `marked` stand out. */
export function graphSvg(graph: Graph, live: LiveGraph | null, marked: ReadonlySet<string> = new Set()): string {
  const layout = layoutGraph(graph);
  const boxes = boxesOf(graph, live);
  const points = new Map<LayoutItem, { x: number; y: number }>();
  const { width, height } = placeAll(layout, boxes, points);
  const edges = graph.edges.map((edge) => edgeSvg(edge, layout, boxes, points, live, marked.has(edgeKey(edge))));
  const services = [...boxes.values()].map((box) => boxSvg(box, live));
  const alias = graph.alias === null ? '' : ` · ${graph.alias}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(graph.cnapp)}</title>`,
    `<defs>${arrow('arrow', '#667')}${marked.size > 0 ? arrow('marked', MARKED) : ''}</defs>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${MARGIN}" y="${MARGIN + 4}" font-size="15" font-weight="600">${escaped(graph.cnapp + alias)}</text>`,
    ...edges,
    ...services,
    '</svg>',
    '',
  ].join('\n');
}

function arrow(id: string, colour: string): string {
  return `<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z" fill="${colour}"/></marker>`;
}

function boxesOf(graph: Graph, live: LiveGraph | null): Map<string, Box> {
  const index = indexGraph(graph);
  const boxes = new Map<string, Box>();
  for (const { name } of graph.services) {
    const view = viewOf(index, name);
    if (view === null) continue;
    const rows = Math.max(view.sockets.length, view.plugs.length);
    let letters = 0;
    for (let row = 0; row < rows; row++) {
      letters = Math.max(letters, socketLabel(view, row).length + (view.plugs[row]?.plug.length ?? 0));
    }
    const width = Math.ceil(
      Math.max(BOX_WIDTH_MIN, name.length * TITLE_LETTER_WIDTH + 2 * SIDE, letters * LETTER_WIDTH + 4 * SIDE),
    );
    const height = TITLE_HEIGHT + (live === null ? 0 : LIVE_HEIGHT) + rows * ROW_HEIGHT + 6;
    boxes.set(name, { view, width, height, x: 0, y: 0 });
  }
  return boxes;
}

/** Gives boxes and waypoints their places, each layer centred; returns the size of the picture. */
function placeAll(
  layout: GraphLayout,
  boxes: Map<string, Box>,
  points: Map<LayoutItem, { x: number; y: number }>,
): { width: number; height: number } {
  const boxOf = (item: LayoutItem): Box | null => (item.service === null ? null : (boxes.get(item.service) ?? null));
  const heightOf = (item: LayoutItem): number => boxOf(item)?.height ?? WAYPOINT_HEIGHT;
  const layerHeights = layout.layers.map((layer) =>
    layer.reduce((sum, item) => sum + heightOf(item) + BOX_GAP, -BOX_GAP),
  );
  const inner = Math.max(0, ...layerHeights);
  let x = MARGIN;
  for (const [position, layer] of layout.layers.entries()) {
    const layerWidth = Math.max(0, ...layer.map((item) => boxOf(item)?.width ?? 0));
    let y = MARGIN + HEADING_HEIGHT + (inner - (layerHeights[position] ?? 0)) / 2;
    for (const item of layer) {
      const box = boxOf(item);
      if (box !== null) [box.x, box.y] = [Math.round(x + (layerWidth - box.width) / 2), Math.round(y)];
      points.set(item, { x: Math.round(x + layerWidth / 2), y: Math.round(y + heightOf(item) / 2) });
      y += heightOf(item) + BOX_GAP;
    }
    x += layerWidth + LAYER_GAP;
  }
  return { width: x - LAYER_GAP + MARGIN, height: Math.round(inner + 2 * MARGIN + HEADING_HEIGHT) };
}

function edgeSvg(
  edge: GraphEdge,
  layout: GraphLayout,
  boxes: ReadonlyMap<string, Box>,
  points: ReadonlyMap<LayoutItem, { x: number; y: number }>,
  live: LiveGraph | null,
  isMarked: boolean,
): string {
  const [source, dest] = [boxes.get(edge.source), boxes.get(edge.dest)];
  if (source === undefined || dest === undefined) return '';
  const start = { x: source.x + source.width, y: rowY(source, source.view.plugs.indexOf(edge), live) };
  const socket = dest.view.sockets.findIndex(({ name }) => name === edge.socket);
  const end = { x: dest.x, y: rowY(dest, socket, live) };
  const stops = [start, ...(layout.waypointsOf.get(edge) ?? []).map((item) => points.get(item) ?? start), end];
  const curves = stops.slice(1).map((stop, position) => {
    const from = stops[position] ?? start;
    const bend = (stop.x - from.x) / 2;
    return `C${from.x + bend} ${from.y} ${stop.x - bend} ${stop.y} ${stop.x} ${stop.y}`;
  });
  const sessions = live?.sessions.get(edgeKey(edge)) ?? 0;
  const label = `${edge.source} ${edge.plug} → ${edge.socket} ${edge.dest}`;
  const path = `<path d="M${start.x} ${start.y} ${curves.join(' ')}" fill="none" stroke="${isMarked ? MARKED : '#667'}" stroke-width="${isMarked || sessions > 0 ? 2.5 : 1.2}" marker-end="url(#${isMarked ? 'marked' : 'arrow'})"><title>${escaped(label)}</title></path>`;
  if (sessions === 0) return path;
  return `${path}\n<text x="${start.x + 8}" y="${start.y - 4}" font-size="11" fill="#445" stroke="#fff" stroke-width="3" paint-order="stroke">${counted(sessions, 'session')}</text>`;
}

function boxSvg(box: Box, live: LiveGraph | null): string {
  const { service, sockets, plugs } = box.view;
  const lines = [
    `<g><rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="${service.kind === 'baas' ? 14 : 5}" fill="${FILL[service.kind]}" stroke="${STROKE[service.kind]}" stroke-width="1.5"/>`,
    `<title>${escaped(`${service.name}: ${service.kind}`)}</title>`,
    `<text x="${box.x + box.width / 2}" y="${box.y + 20}" text-anchor="middle" font-weight="600" font-size="13">${escaped(service.name)}</text>`,
  ];
  if (live !== null) {
    const running = counted(live.instances.get(service.name) ?? 0, 'instance');
    lines.push(
      `<text x="${box.x + box.width / 2}" y="${box.y + 36}" text-anchor="middle" font-size="11" fill="#445">${running}</text>`,
    );
  }
  for (const row of sockets.keys()) {
    const y = rowY(box, row, live);
    lines.push(`<circle cx="${box.x}" cy="${y}" r="3" fill="${STROKE[service.kind]}"/>`);
    lines.push(`<text x="${box.x + SIDE}" y="${y + 4}" fill="#334">${escaped(socketLabel(box.view, row))}</text>`);
  }
  for (const [row, edge] of plugs.entries()) {
    const y = rowY(box, row, live);
    lines.push(
      `<text x="${box.x + box.width - SIDE}" y="${y + 4}" text-anchor="end" fill="#334">${escaped(edge.plug)}</text>`,
    );
  }
  return `${lines.join('\n')}</g>`;
}

function rowY(box: Box, row: number, live: LiveGraph | null): number {
  return box.y + TITLE_HEIGHT + (live === null ? 0 : LIVE_HEIGHT) + Math.max(0, row) * ROW_HEIGHT + ROW_HEIGHT / 2;
}

function socketLabel(view: ServiceView, row: number): string {
  const socket = view.sockets[row];
  if (socket === undefined) return '';
  return socket.publicPort === null ? socket.name : `${socket.name} :${socket.publicPort}`;
}

function escaped(text: string): string {
  return text.replace(/[<>&"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
