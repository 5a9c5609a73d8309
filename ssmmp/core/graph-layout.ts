/**
 * Where the services of a graph stand in a picture.
 *
 * Lives here: a layered layout of a directed acyclic graph, left to right, in abstract units. Does not live
 * here: how a box or an edge is drawn (graph-svg.ts).
 *
 * The classic method in its simplest form (Sugiyama): a vertex stands one layer behind its furthest caller;
 * an edge over several layers goes through a waypoint in each; within a layer everything is moved to the
 * mean place of its neighbours, forth and back a few times, which takes out most crossings.
 */
import type { Graph, GraphEdge } from './graph.ts';

/** Sweeps that order the layers; more change little. */
const SWEEPS = 6;
/** Waypoints of one picture; edges beyond it are drawn straight. */
const WAYPOINTS_MAX = 4000;

/** A service, or the place where an edge passes a layer. */
export interface LayoutItem {
  readonly service: string | null;
  readonly layer: number;
  /** Place within the layer, from 0. */
  order: number;
}

export interface GraphLayout {
  readonly layers: readonly (readonly LayoutItem[])[];
  readonly itemOf: ReadonlyMap<string, LayoutItem>;
  /** The waypoints of each edge from source to destination, ends not counted. */
  readonly waypointsOf: ReadonlyMap<GraphEdge, readonly LayoutItem[]>;
}

/** The layer of each service: 0 for one without callers, else one more than its furthest caller. Needs an acyclic graph. */
export function layersOf(graph: Graph): ReadonlyMap<string, number> {
  const layers = new Map(graph.services.map(({ name }) => [name, 0]));
  const callersLeft = new Map(graph.services.map(({ name }) => [name, 0]));
  const outgoing = new Map<string, GraphEdge[]>(graph.services.map(({ name }) => [name, []]));
  for (const edge of graph.edges) {
    callersLeft.set(edge.dest, (callersLeft.get(edge.dest) ?? 0) + 1);
    outgoing.get(edge.source)?.push(edge);
  }
  const ready = graph.services.map(({ name }) => name).filter((name) => callersLeft.get(name) === 0);
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    for (const { dest } of outgoing.get(name) ?? []) {
      layers.set(dest, Math.max(layers.get(dest) ?? 0, (layers.get(name) ?? 0) + 1));
      const left = (callersLeft.get(dest) ?? 0) - 1;
      callersLeft.set(dest, left);
      if (left === 0) ready.push(dest);
    }
  }
  return layers;
}

/** Lays out a checked graph. */
export function layoutGraph(graph: Graph): GraphLayout {
  const layerOf = layersOf(graph);
  const layers: LayoutItem[][] = [];
  const place = (service: string | null, layer: number): LayoutItem => {
    while (layers.length <= layer) layers.push([]);
    const items = layers[layer] ?? [];
    const item: LayoutItem = { service, layer, order: items.length };
    items.push(item);
    return item;
  };
  const itemOf = new Map(graph.services.map(({ name }) => [name, place(name, layerOf.get(name) ?? 0)]));
  const waypointsOf = new Map<GraphEdge, LayoutItem[]>();
  const neighbours = new Map<LayoutItem, LayoutItem[]>();
  let waypointsLeft = WAYPOINTS_MAX;
  for (const edge of graph.edges) {
    const [source, dest] = [itemOf.get(edge.source), itemOf.get(edge.dest)];
    if (source === undefined || dest === undefined) continue;
    const waypoints: LayoutItem[] = [];
    for (let layer = source.layer + 1; layer < dest.layer && waypointsLeft > 0; layer++, waypointsLeft--) {
      waypoints.push(place(null, layer));
    }
    waypointsOf.set(edge, waypoints);
    const chain = [source, ...waypoints, dest];
    for (const [index, item] of chain.entries()) {
      const next = chain[index + 1];
      if (next === undefined) continue;
      neighbours.set(item, [...(neighbours.get(item) ?? []), next]);
      neighbours.set(next, [...(neighbours.get(next) ?? []), item]);
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0;
    for (const layer of isForward ? layers : [...layers].reverse()) orderLayer(layer, neighbours, isForward);
  }
  return { layers, itemOf, waypointsOf };
}

/** Sorts one layer by the mean place of the neighbours before (or behind) it; items without keep their place. */
function orderLayer(layer: LayoutItem[], neighbours: ReadonlyMap<LayoutItem, LayoutItem[]>, isForward: boolean): void {
  const wish = new Map<LayoutItem, number>();
  for (const item of layer) {
    const near = (neighbours.get(item) ?? []).filter((other) =>
      isForward ? other.layer < item.layer : other.layer > item.layer,
    );
    const sum = near.reduce((total, other) => total + other.order, 0);
    wish.set(item, near.length === 0 ? item.order : sum / near.length);
  }
  layer.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0) || a.order - b.order);
  for (const [order, item] of layer.entries()) item.order = order;
}
