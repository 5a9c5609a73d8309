/**
 * What is different between two graphs.
 *
 * Lives here: the difference as a list of changes, and each change as a line for people. Does not live here: what
 * follows from a change in a running CNApp (the Manager), reading files.
 *
 * A graph is two sets and a few settings, so the order of services and edges in the file is no difference. An edge has
 * nothing that could change: another target for a plug is one edge less and one more.
 */
import { formatDuration } from './duration.ts';
import { DEFAULT_POLICIES } from './graph.ts';
import type { Graph, GraphEdge, GraphService, PublicSocket, ServiceKind, ServiceVersion } from './graph.ts';
import { POLICY_KINDS, type PolicyFile, type PolicyKind } from './policy.ts';

type Replicas = GraphService['replicas'];

/** One difference. Plain data: it goes over the operator port as it is. */
export type GraphChange =
  | { readonly what: 'cnapp'; readonly from: string; readonly to: string }
  | { readonly what: 'alias'; readonly from: string | null; readonly to: string | null }
  | { readonly what: 'policy'; readonly policy: PolicyKind; readonly from: string; readonly to: string }
  | { readonly what: 'service_removed'; readonly service_name: string; readonly service: GraphService }
  | { readonly what: 'service_added'; readonly service_name: string; readonly service: GraphService }
  | { readonly what: 'kind'; readonly service_name: string; readonly from: ServiceKind; readonly to: ServiceKind }
  | { readonly what: 'replicas'; readonly service_name: string; readonly from: Replicas; readonly to: Replicas }
  /** Milliseconds; null is never. */
  | {
      readonly what: 'idle_after';
      readonly service_name: string;
      readonly from: number | null;
      readonly to: number | null;
    }
  | {
      readonly what: 'public';
      readonly service_name: string;
      readonly from: readonly PublicSocket[];
      readonly to: readonly PublicSocket[];
    }
  | {
      readonly what: 'versions';
      readonly service_name: string;
      readonly from: readonly ServiceVersion[];
      readonly to: readonly ServiceVersion[];
    }
  | { readonly what: 'edge_removed'; readonly edge: GraphEdge }
  | { readonly what: 'edge_added'; readonly edge: GraphEdge };

/** Everything that is different, in the order of the files: settings, services, edges; what goes before what comes. */
export function differenceOf(from: Graph, to: Graph): GraphChange[] {
  const before = new Map(from.services.map((service) => [service.name, service]));
  const after = new Map(to.services.map((service) => [service.name, service]));
  const edgesBefore = new Set(from.edges.map(keyOf));
  const edgesAfter = new Set(to.edges.map(keyOf));
  const changes = settingsChanged(from, to);
  for (const service of from.services)
    if (!after.has(service.name)) changes.push({ what: 'service_removed', service_name: service.name, service });
  for (const service of to.services) {
    const old = before.get(service.name);
    if (old === undefined) changes.push({ what: 'service_added', service_name: service.name, service });
    else changes.push(...serviceChanged(old, service));
  }
  for (const edge of from.edges) if (!edgesAfter.has(keyOf(edge))) changes.push({ what: 'edge_removed', edge });
  for (const edge of to.edges) if (!edgesBefore.has(keyOf(edge))) changes.push({ what: 'edge_added', edge });
  return changes;
}

/** One change as a line: `+ edge post posts-plug → posts-socket posts-db`. */
export function changeText(change: GraphChange): string {
  switch (change.what) {
    case 'cnapp':
      return `~ name of the CNApp: ${change.from} → ${change.to}`;
    case 'alias':
      return `~ alias: ${change.from ?? 'none'} → ${change.to ?? 'none'}`;
    case 'policy':
      return `~ policy ${change.policy}: ${change.from} → ${change.to}`;
    case 'service_removed':
      return `- service ${change.service_name} (${change.service.kind})`;
    case 'service_added':
      return `+ service ${change.service_name} (${change.service.kind}, ${replicasText(change.service.replicas)} replicas)`;
    case 'kind':
      return `~ kind of ${change.service_name}: ${change.from} → ${change.to}`;
    case 'replicas':
      return `~ replicas of ${change.service_name}: ${replicasText(change.from)} → ${replicasText(change.to)}`;
    case 'idle_after':
      return `~ idle_after of ${change.service_name}: ${idleText(change.from)} → ${idleText(change.to)}`;
    case 'public':
      return `~ public sockets of ${change.service_name}: ${socketsText(change.from)} → ${socketsText(change.to)}`;
    case 'versions':
      return `~ versions of ${change.service_name}: ${versionsText(change.from)} → ${versionsText(change.to)}`;
    case 'edge_removed':
      return `- edge ${edgeText(change.edge)}`;
    case 'edge_added':
      return `+ edge ${edgeText(change.edge)}`;
  }
}

/** `post posts-plug → posts-socket posts-db`. */
export function edgeText({ source, plug, socket, dest }: GraphEdge): string {
  return `${source} ${plug} → ${socket} ${dest}`;
}

/** The services that a change is about. */
export function servicesOf(change: GraphChange): readonly string[] {
  if ('service_name' in change) return [change.service_name];
  return 'edge' in change ? [change.edge.source, change.edge.dest] : [];
}

function settingsChanged(from: Graph, to: Graph): GraphChange[] {
  const changes: GraphChange[] = [];
  if (from.cnapp !== to.cnapp) changes.push({ what: 'cnapp', from: from.cnapp, to: to.cnapp });
  if (from.alias !== to.alias) changes.push({ what: 'alias', from: from.alias, to: to.alias });
  // A graph in an old journal may lack a policy that came later.
  const [before, after] = [
    { ...DEFAULT_POLICIES, ...from.policies },
    { ...DEFAULT_POLICIES, ...to.policies },
  ];
  for (const policy of POLICY_KINDS)
    if (!isSamePolicy(before[policy], after[policy])) {
      const [old, now] = [nameOf(before[policy]), nameOf(after[policy])];
      changes.push({ what: 'policy', policy, from: old, to: old === now ? `${now}, edited` : now });
    }
  return changes;
}

/** The same built-in one, or a file of the same name that was compiled to the same code. */
export function isSamePolicy(a: string | PolicyFile, b: string | PolicyFile): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.file === b.file && a.code === b.code;
}

function nameOf(policy: string | PolicyFile): string {
  return typeof policy === 'string' ? policy : policy.file;
}

function serviceChanged(from: GraphService, to: GraphService): GraphChange[] {
  const service_name = to.name;
  const changes: GraphChange[] = [];
  if (from.kind !== to.kind) changes.push({ what: 'kind', service_name, from: from.kind, to: to.kind });
  if (from.replicas.min !== to.replicas.min || from.replicas.max !== to.replicas.max)
    changes.push({ what: 'replicas', service_name, from: from.replicas, to: to.replicas });
  if (from.idleAfterMs !== to.idleAfterMs)
    changes.push({ what: 'idle_after', service_name, from: from.idleAfterMs, to: to.idleAfterMs });
  if (socketsText(from.publicSockets) !== socketsText(to.publicSockets))
    changes.push({ what: 'public', service_name, from: from.publicSockets, to: to.publicSockets });
  const [before, after] = [from.versions ?? [], to.versions ?? []];
  if (versionsText(before) !== versionsText(after))
    changes.push({ what: 'versions', service_name, from: before, to: after });
  return changes;
}

function keyOf({ source, plug, socket, dest }: GraphEdge): string {
  // Names hold no slash (R06).
  return `${source}/${plug}/${socket}/${dest}`;
}

function replicasText({ min, max }: Replicas): string {
  const most = max === null ? 'one a node' : String(max);
  return String(min) === most ? most : `${min} to ${most}`;
}

function idleText(ms: number | null): string {
  return ms === null ? 'never' : formatDuration(ms);
}

function socketsText(sockets: readonly PublicSocket[]): string {
  const texts = sockets.map(({ name, port }) => `${name} ${port}`).sort();
  return texts.length === 0 ? 'none' : texts.join(', ');
}

function versionsText(versions: readonly ServiceVersion[]): string {
  const texts = versions.map(({ name, weight }) => `${name} ${weight}`).sort();
  return texts.length === 0 ? 'none' : texts.join(', ');
}
