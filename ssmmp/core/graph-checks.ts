/**
 * What makes a well-shaped graph wrong.
 *
 * Lives here: the laws of the abstract graph, one function each. Does not live here: the shape of the file
 * (graph-parse.ts).
 *
 * The laws: a gateway is an initial vertex with a public socket, a BaaS a terminal one, everything is reached
 * from a gateway, nothing leads back to where it came from, a plug has one target. Checks that would only
 * repeat a mistake found before (everything behind a misspelt edge is unreachable) wait until it is mended.
 */
import { didYouMean } from './did-you-mean.ts';
import { liveVersions, programOf } from './graph.ts';
import type { GraphEdge, GraphService } from './graph.ts';
import { shown } from './located-yaml.ts';
import type { LocatedYaml, PathEnd, YamlPath } from './located-yaml.ts';
import { isName } from './names.ts';

/** A graph as far as it could be read; a service that could not be is null. */
export interface GraphDraft {
  readonly services: ReadonlyMap<string, GraphService | null>;
  readonly edges: readonly { readonly edge: GraphEdge; readonly path: YamlPath }[];
  /** False when a service or an edge could not be read. */
  readonly isWhole: boolean;
}

/** The Manager's range for the sockets of instances, both ends included (R21, R23). */
export const SOCKET_PORT_FIRST = 54000;
export const SOCKET_PORT_LAST = 55552;
/** The Manager, the agents (also where nodes share an address, R16), the DNS, the operator port. */
const OWN_PORTS = [55555, 55556, 55557, 55560, 55561, 55562, 55563, 55564, 55565, 55566, 55567, 55568, 55569, 55570];
/** Most versions of one service. */
export const VERSIONS_MAX = 16;
const NAME_EXPECTED = "a letter or digit, then at most 63 of letters, digits, '_', '.' and '-' (R06)";
/** Vertices of a cycle that a sentence shows. */
const CYCLE_SHOWN_MAX = 12;

/** Reports every broken law to the file. */
export function checkGraph(draft: GraphDraft, file: LocatedYaml): void {
  checkNames(draft, file);
  checkServices(draft, file);
  const areEdgesKnown = checkEdgeEnds(draft, file);
  checkPlugs(draft, file);
  checkCycles(draft, file);
  const hasGateway = [...draft.services.values()].some((service) => service?.kind === 'gateway');
  if (areEdgesKnown && draft.isWhole && hasGateway) {
    checkReachable(draft, file);
    warnOfTerminalServices(draft, file);
  }
}

function checkNames(draft: GraphDraft, file: LocatedYaml): void {
  const check = (what: string, name: string, path: YamlPath, end: PathEnd): void => {
    if (isName(name)) return;
    const sentence = `the ${what} name '${shown(name)}' is not a name; expected ${NAME_EXPECTED}`;
    file.report(path, end, { found: shown(name), expected: NAME_EXPECTED, sentence });
  };
  for (const [name, service] of draft.services) {
    check('service', name, ['services', name], 'key');
    for (const socket of service?.publicSockets ?? []) {
      check('socket', socket.name, ['services', name, 'public', socket.name], 'key');
    }
  }
  for (const { edge, path } of draft.edges) {
    check('plug', edge.plug, path, 'value');
    check('socket', edge.socket, path, 'value');
  }
}

function checkServices(draft: GraphDraft, file: LocatedYaml): void {
  const ownerOfPort = new Map<number, string>();
  for (const [name, service] of draft.services) {
    if (service === null) continue;
    checkReplicas(service, file);
    checkPublic(service, ownerOfPort, file);
    checkVersions(service, draft, file);
    if (service.kind === 'gateway' && service.idleAfterMs !== null) {
      const sentence = `idle_after of the gateway '${name}' has no effect: gateways stay`;
      file.report(['services', name, 'idle_after'], 'key', {
        found: 'idle_after',
        expected: 'none',
        sentence,
        warning: true,
      });
    }
  }
  if (![...draft.services.values()].some((service) => service === null || service.kind === 'gateway')) {
    const sentence = 'the graph has no gateway; expected at least one service of kind gateway, the entry for users';
    file.report(['services'], 'key', { found: 'no gateway', expected: 'at least one gateway', sentence });
  }
}

function checkReplicas(service: GraphService, file: LocatedYaml): void {
  const { min, max } = service.replicas;
  const path = ['services', service.name, 'replicas'];
  if (service.kind === 'baas' && ((max ?? 1) > 1 || min > 1)) {
    const found = `${Math.max(min, max ?? 1)} replicas`;
    const sentence = `the BaaS '${service.name}' may have ${found}; expected at most 1, for one instance owns the data`;
    file.report(path, 'key', { found, expected: 'at most 1', sentence });
  } else if (max !== null && min > max) {
    const sentence = `replicas of service '${service.name}' have min ${min} above max ${max}; expected min up to max`;
    file.report(path, 'key', { found: `min ${min}, max ${max}`, expected: 'min up to max', sentence });
  }
}

function checkPublic(service: GraphService, ownerOfPort: Map<number, string>, file: LocatedYaml): void {
  const path = ['services', service.name];
  if (service.kind === 'gateway' && service.publicSockets.length === 0) {
    const expected = 'public: {user-socket: 8080} or the like';
    const sentence = `the gateway '${service.name}' has no public socket, so no user could reach it; expected ${expected} (R23)`;
    file.report(path, 'key', { found: 'no public socket', expected, sentence });
  }
  if (service.kind !== 'gateway' && service.publicSockets.length > 0) {
    const sentence = `service '${service.name}' of kind ${service.kind} has public sockets; only a gateway may (R23)`;
    file.report([...path, 'public'], 'key', { found: 'public sockets', expected: 'none', sentence });
  }
  for (const { name, port } of service.publicSockets) {
    const problem = wrongPublicPort(port) ?? takenPort(port, ownerOfPort);
    if (problem === null) {
      ownerOfPort.set(port, `${service.name}/${name}`);
      continue;
    }
    const sentence = `the public socket '${shown(name)}' of '${service.name}' has port ${port}; expected ${problem}`;
    file.report([...path, 'public', name], 'value', { found: `port ${port}`, expected: problem, sentence });
  }
}

/** Weights lead sessions, so only a service that others call may have versions; each is a program of its own. */
function checkVersions(service: GraphService, draft: GraphDraft, file: LocatedYaml): void {
  const { name, kind, versions, replicas } = service;
  if (versions === undefined) return;
  const path = ['services', name, 'versions'];
  const live = liveVersions(service).length;
  const report = (found: string, expected: string, at: YamlPath = path): void =>
    file.report(at, 'key', { found, expected, sentence: `versions of '${name}': ${found}; expected ${expected}` });
  if (kind === 'gateway') report('it is a gateway', 'a service: users find a gateway by DNS, which knows no weights');
  if (kind === 'baas') report('it is a BaaS', 'a service: one instance owns the data, so there is nothing to share');
  if (versions.length > VERSIONS_MAX) report(`${versions.length} versions`, `at most ${VERSIONS_MAX}`);
  if (live === 0) report('no version has a weight', 'one with a weight above 0');
  if (replicas.max !== null && replicas.max < live)
    report(`${live} versions with a weight and at most ${replicas.max} replicas`, 'replicas for one instance of each');
  for (const version of versions.slice(0, VERSIONS_MAX)) {
    const program = programOf(name, version.name);
    const at = [...path, version.name];
    if (!isName(program))
      report(`'${shown(version.name)}' makes the program name '${shown(program)}'`, 'a name (R06)', at);
    if (draft.services.has(program))
      report(`'${version.name}' makes '${program}', which is a service of its own`, 'another name', at);
  }
}

function wrongPublicPort(port: number): string | null {
  if (port < 1 || port > 65535) return 'a port from 1 to 65535';
  if (port >= SOCKET_PORT_FIRST && port <= SOCKET_PORT_LAST) {
    return `a port outside ${SOCKET_PORT_FIRST} to ${SOCKET_PORT_LAST}, which the Manager gives to instances (R23)`;
  }
  return OWN_PORTS.includes(port) ? 'another one, this is a port of Manager, agents, DNS or operator' : null;
}

function takenPort(port: number, ownerOfPort: ReadonlyMap<number, string>): string | null {
  const owner = ownerOfPort.get(port);
  return owner === undefined ? null : `another one, '${owner}' has it and one node may run both`;
}

/** Unknown services, gateways that are called, BaaS that call. Returns whether all ends are known. */
function checkEdgeEnds(draft: GraphDraft, file: LocatedYaml): boolean {
  let areKnown = true;
  for (const { edge, path } of draft.edges) {
    for (const name of [edge.source, edge.dest]) {
      if (draft.services.has(name)) continue;
      areKnown = false;
      if (file.full) return false;
      const hint = didYouMean(name, draft.services.keys());
      const sentence = `edge names the service '${shown(name)}', which the graph does not have${hint}`;
      file.report(path, 'value', { found: shown(name), expected: 'a service of the graph', sentence });
    }
    if (draft.services.get(edge.dest)?.kind === 'gateway') {
      const sentence = `edge leads to the gateway '${edge.dest}'; expected none, a gateway is an initial vertex that users alone connect to`;
      file.report(path, 'value', { found: 'an edge to a gateway', expected: 'no edge to a gateway', sentence });
    }
    if (draft.services.get(edge.source)?.kind === 'baas') {
      const sentence = `edge gives the BaaS '${edge.source}' the plug '${shown(edge.plug)}'; expected none, a BaaS is a terminal vertex without plugs (R14)`;
      file.report(path, 'value', { found: 'a plug of a BaaS', expected: 'no plugs', sentence });
    }
  }
  return areKnown;
}

/** One target a plug (R14), and no edge twice (R13). */
function checkPlugs(draft: GraphDraft, file: LocatedYaml): void {
  const firstBySource = new Map<string, Map<string, { edge: GraphEdge; path: YamlPath }>>();
  for (const { edge, path } of draft.edges) {
    const plugs = firstBySource.get(edge.source) ?? new Map<string, { edge: GraphEdge; path: YamlPath }>();
    firstBySource.set(edge.source, plugs);
    const first = plugs.get(edge.plug);
    if (first === undefined) {
      plugs.set(edge.plug, { edge, path });
      continue;
    }
    if (file.full) return;
    const { line } = file.placeOf(first.path);
    const plug = `the plug '${shown(edge.plug)}' of '${shown(edge.source)}'`;
    const isSame = first.edge.dest === edge.dest && first.edge.socket === edge.socket;
    const target = `socket '${shown(first.edge.socket)}' of '${shown(first.edge.dest)}'`;
    const sentence = isSame
      ? `edge repeats line ${line}: ${plug} to ${target}; expected distinct (plug, socket) between the same two services (R13)`
      : `edge gives ${plug} a second target; expected one, it leads to ${target} since line ${line} (R14)`;
    const found = isSame ? 'an edge that stands twice' : 'a plug with two targets';
    file.report(path, 'value', { found, expected: isSame ? 'distinct (plug, socket)' : 'one target a plug', sentence });
  }
}

/**
 * Every edge that closes a cycle, with the cycle as a path (R14). These are the back edges of a depth-first
 * search, so a graph without them has no cycle. A loop and not a recursion: a chain of 4096 is legal.
 */
function checkCycles(draft: GraphDraft, file: LocatedYaml): void {
  const outgoing = outgoingOf(draft);
  const state = new Map<string, 'open' | 'done'>();
  for (const root of draft.services.keys()) {
    if (state.has(root)) continue;
    const trail = [{ name: root, next: 0 }];
    state.set(root, 'open');
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const step = outgoing.get(top.name)?.[top.next++];
      if (step === undefined) {
        state.set(top.name, 'done');
        trail.pop();
      } else if (!state.has(step.edge.dest)) {
        state.set(step.edge.dest, 'open');
        trail.push({ name: step.edge.dest, next: 0 });
      } else if (state.get(step.edge.dest) === 'open') {
        const names = trail.map(({ name }) => name);
        const cycle = [...names.slice(names.indexOf(step.edge.dest)), step.edge.dest];
        const shownCycle =
          cycle.length > CYCLE_SHOWN_MAX ? [...cycle.slice(0, CYCLE_SHOWN_MAX - 1), '…', step.edge.dest] : cycle;
        const sentence = `edge closes the cycle ${shownCycle.map(shown).join(' -> ')}; expected a graph without cycles (R14)`;
        file.report(step.path, 'value', { found: 'a cycle', expected: 'no cycle', sentence });
      }
    }
  }
}

function checkReachable(draft: GraphDraft, file: LocatedYaml): void {
  const outgoing = outgoingOf(draft);
  const reached = new Set<string>();
  const open = [...draft.services.values()]
    .filter((service) => service?.kind === 'gateway')
    .map((service) => service?.name ?? '');
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    for (const { edge } of outgoing.get(name) ?? []) open.push(edge.dest);
  }
  for (const name of draft.services.keys()) {
    if (reached.has(name)) continue;
    const sentence = `service '${name}' is unreachable: no path of edges leads from a gateway to it`;
    file.report(['services', name], 'key', {
      found: 'an unreachable service',
      expected: 'a path from a gateway',
      sentence,
    });
  }
}

function warnOfTerminalServices(draft: GraphDraft, file: LocatedYaml): void {
  const outgoing = outgoingOf(draft);
  for (const [name, service] of draft.services) {
    if (service?.kind !== 'service' || outgoing.has(name)) continue;
    const sentence = `service '${name}' has no plugs: a terminal vertex that keeps data is of kind baas, one of kind service must keep none`;
    file.report(['services', name], 'key', {
      found: 'a service without plugs',
      expected: 'a plug, or kind baas',
      sentence,
      warning: true,
    });
  }
}

function outgoingOf(draft: GraphDraft): Map<string, { edge: GraphEdge; path: YamlPath }[]> {
  const outgoing = new Map<string, { edge: GraphEdge; path: YamlPath }[]>();
  for (const entry of draft.edges) {
    if (!draft.services.has(entry.edge.source) || !draft.services.has(entry.edge.dest)) continue;
    const list = outgoing.get(entry.edge.source);
    if (list === undefined) outgoing.set(entry.edge.source, [entry]);
    else list.push(entry);
  }
  return outgoing;
}
