/**
 * The abstract graph of a CNApp: the Manager's knowledge base.
 *
 * Lives here: the graph as plain data (it goes into the Manager's journal as it is) and the index that
 * answers questions about it at once. Does not live here: reading a file (graph-parse.ts), what makes a
 * graph a good one (graph-checks.ts), pictures (graph-render.ts), what runs at the moment.
 *
 * G := (V, E) is a directed acyclic labelled multigraph. A vertex is a service A := (IN, F, OUT) with its
 * sockets IN and its plugs OUT; an edge (C, (P, S), D) is an abstract connection: plug P of C speaks to socket
 * S of D. A service names P and S and never D: the Manager supplies D. So sockets and plugs follow from the
 * edges, and only a gateway's public sockets, to which users connect, are said in the file.
 */
import type { PolicyFile, PolicyKind } from './policy.ts';

/** Initial vertex and entry for users; stateless service; terminal vertex that holds the data. */
export type ServiceKind = 'gateway' | 'service' | 'baas';
export const SERVICE_KINDS: readonly ServiceKind[] = ['gateway', 'service', 'baas'];

/** How the Manager chooses the instance that a new session gets. */
export type BalancingPolicy = 'least-sessions' | 'round-robin' | 'random' | 'weighted';

/** Does the number of replicas follow their load (R45), or only operators and demand? */
export type ScalingPolicy = 'load' | 'none';

/** Which node runs a new instance, and how long to wait after an early end. */
export type PlacementPolicy = 'least-used';
export type RestartPolicy = 'back-off';

/** The built-in policies of each kind; the first is the default. */
export const BUILT_IN_POLICIES = {
  placement: ['least-used'],
  balancing: ['least-sessions', 'round-robin', 'random', 'weighted'],
  scaling: ['load', 'none'],
  restart: ['back-off'],
} as const satisfies Readonly<Record<PolicyKind, readonly string[]>>;

/** Each is a built-in one by its name, or a file of one's own (docs/policies.md). */
export interface GraphPolicies {
  readonly placement: PlacementPolicy | PolicyFile;
  readonly balancing: BalancingPolicy | PolicyFile;
  readonly scaling: ScalingPolicy | PolicyFile;
  readonly restart: RestartPolicy | PolicyFile;
}

/** What a graph that says nothing gets. */
export const DEFAULT_POLICIES: GraphPolicies = {
  placement: 'least-used',
  balancing: 'least-sessions',
  scaling: 'load',
  restart: 'back-off',
};

/** A version of a service: a program of its own in the repositories, and its share of the requests. */
export interface ServiceVersion {
  readonly name: string;
  /** A whole number; 0: it gets nothing, and no instance of it runs. */
  readonly weight: number;
}

/** A socket for users at a fixed, published port (R23). */
export interface PublicSocket {
  readonly name: string;
  readonly port: number;
}

export interface GraphService {
  readonly name: string;
  readonly kind: ServiceKind;
  /** Empty but for a gateway. */
  readonly publicSockets: readonly PublicSocket[];
  /** `max` null: as many as there are nodes (a gateway's default). */
  readonly replicas: { readonly min: number; readonly max: number | null };
  /** An instance without use for this long is shut down (R35); null: never. */
  readonly idleAfterMs: number | null;
  /** In the order of the file; missing where the service has none. */
  readonly versions?: readonly ServiceVersion[];
}

/** The abstract connection (source, (plug, socket), dest). */
export interface GraphEdge {
  readonly source: string;
  readonly plug: string;
  readonly socket: string;
  readonly dest: string;
}

/** Plain JSON data. Services and edges stand in the order of the file. */
export interface Graph {
  readonly cnapp: string;
  /** The name users look up in the Manager's DNS. */
  readonly alias: string | null;
  readonly services: readonly GraphService[];
  readonly edges: readonly GraphEdge[];
  readonly policies: GraphPolicies;
}

/** A socket a service listens on; `publicPort` is null for one the Manager gives a port (R21, R23). */
export interface GraphSocket {
  readonly name: string;
  readonly publicPort: number | null;
}

/** Answers about one service. */
export interface ServiceView {
  readonly service: GraphService;
  /** Public sockets first, then those of the edges, each once, in the order of the file. */
  readonly sockets: readonly GraphSocket[];
  /** The edges that leave the service; each is one plug. */
  readonly plugs: readonly GraphEdge[];
  readonly edgeByPlug: ReadonlyMap<string, GraphEdge>;
  /** The edges that lead to a socket, by the socket's name. */
  readonly callersBySocket: ReadonlyMap<string, readonly GraphEdge[]>;
}

/** The graph with every lookup built once; all answers are O(1). Not plain data: build it again after replay. */
export interface GraphIndex {
  readonly graph: Graph;
  readonly services: ReadonlyMap<string, ServiceView>;
}

const NO_EDGES: readonly GraphEdge[] = [];

/** Builds the index of a checked graph, in one pass over services and edges. */
export function indexGraph(graph: Graph): GraphIndex {
  const views = new Map<string, MutableView>();
  for (const service of graph.services) {
    const sockets: GraphSocket[] = service.publicSockets.map(({ name, port }) => ({ name, publicPort: port }));
    views.set(service.name, { service, sockets, plugs: [], edgeByPlug: new Map(), callersBySocket: new Map() });
  }
  for (const edge of graph.edges) {
    const source = views.get(edge.source);
    const dest = views.get(edge.dest);
    source?.plugs.push(edge);
    source?.edgeByPlug.set(edge.plug, edge);
    const callers = dest?.callersBySocket.get(edge.socket);
    if (callers !== undefined) callers.push(edge);
    else {
      dest?.callersBySocket.set(edge.socket, [edge]);
      dest?.sockets.push({ name: edge.socket, publicPort: null });
    }
  }
  return { graph, services: views };
}

/** Sockets, plugs and edges of a service, or null when the graph has no such service. */
export function viewOf(index: GraphIndex, service: string): ServiceView | null {
  return index.services.get(service) ?? null;
}

/** The one edge of a plug (R14), or null when the service or the plug is unknown. */
export function edgeOfPlug(index: GraphIndex, source: string, plug: string): GraphEdge | null {
  return index.services.get(source)?.edgeByPlug.get(plug) ?? null;
}

/** One key an edge; unique because a plug has one target (R14). */
export function edgeKey(edge: Pick<GraphEdge, 'source' | 'plug'>): string {
  return `${edge.source}/${edge.plug}`;
}

/** Is (source, (plug, socket), dest) an edge (R38)? */
export function isEdge(index: GraphIndex, source: string, plug: string, socket: string, dest: string): boolean {
  const edge = edgeOfPlug(index, source, plug);
  return edge !== null && edge.socket === socket && edge.dest === dest;
}

/** The edges that lead to a socket; empty for a public or an unknown one. */
export function callersOf(index: GraphIndex, dest: string, socket: string): readonly GraphEdge[] {
  return index.services.get(dest)?.callersBySocket.get(socket) ?? NO_EDGES;
}

/** The versions that run: those with a weight. Empty for a service without versions. */
export function liveVersions(service: GraphService): readonly ServiceVersion[] {
  return service.versions?.filter(({ weight }) => weight > 0) ?? [];
}

/** What a service, or a version of it, is called in repositories and in the arguments of its process. */
export function programOf(service: string, version: string | null): string {
  return version === null ? service : `${service}.${version}`;
}

/** The most replicas a service may have on so many nodes: a gateway's default is one a node (R23). */
export function replicasMax(service: GraphService, nodes: number): number {
  return service.replicas.max ?? Math.max(1, nodes);
}

interface MutableView extends ServiceView {
  readonly sockets: GraphSocket[];
  readonly plugs: GraphEdge[];
  readonly edgeByPlug: Map<string, GraphEdge>;
  readonly callersBySocket: Map<string, GraphEdge[]>;
}
