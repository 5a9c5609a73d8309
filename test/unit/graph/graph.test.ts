/** Graphs that load: defaults, the index, the example of the specification, pictures. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { parseDuration, formatDuration } from '../../../ssmmp/core/duration.ts';
import { nearestWord } from '../../../ssmmp/core/did-you-mean.ts';
import {
  DEFAULT_POLICIES,
  callersOf,
  edgeOfPlug,
  indexGraph,
  isEdge,
  replicasMax,
  viewOf,
} from '../../../ssmmp/core/graph.ts';
import type { Graph } from '../../../ssmmp/core/graph.ts';
import { parseGraph } from '../../../ssmmp/core/graph-parse.ts';
import { GRAPH_FORMATS, renderGraph } from '../../../ssmmp/core/graph-render.ts';
import { formatProblem } from '../../../ssmmp/core/located-yaml.ts';

const EXAMPLE = readFileSync(new URL('../../../labs/graphs/abstract-example.yaml', import.meta.url), 'utf8');

function load(text: string): Graph {
  const result = parseGraph(text, 'tiny.yaml');
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.graph;
}

const TINY = `
alias: gateway.tiny.test
services:
  gw: {kind: gateway, public: {user-socket: 8080}}
  post: {kind: service, replicas: {max: 2}, idle_after: 60s}
  constructor: {kind: service, replicas: {min: 7}}
  db: {kind: baas}
edges:
  - [gw, [p, s], post]
  - [gw, [c, s], constructor]
  - [post, [q, t], db]
  - [post, [r, t], db]
  - [constructor, [q, t], db]
`;

describe('graph file, good ones', () => {
  it('gives the defaults of design.md', () => {
    const graph = load(TINY);
    expect(graph).to.include({ cnapp: 'tiny', alias: 'gateway.tiny.test' });
    expect(graph.policies).to.deep.equal(DEFAULT_POLICIES);
    expect(graph.services).to.deep.equal([
      {
        name: 'gw',
        kind: 'gateway',
        publicSockets: [{ name: 'user-socket', port: 8080 }],
        replicas: { min: 1, max: null },
        idleAfterMs: null,
      },
      { name: 'post', kind: 'service', publicSockets: [], replicas: { min: 0, max: 2 }, idleAfterMs: 60_000 },
      { name: 'constructor', kind: 'service', publicSockets: [], replicas: { min: 7, max: 7 }, idleAfterMs: null },
      { name: 'db', kind: 'baas', publicSockets: [], replicas: { min: 1, max: 1 }, idleAfterMs: null },
    ]);
    expect(graph.edges[0]).to.deep.equal({ source: 'gw', plug: 'p', socket: 's', dest: 'post' });
  });

  it('is plain JSON data and loads from JSON too', () => {
    const graph = load(TINY);
    expect(JSON.parse(JSON.stringify(graph))).to.deep.equal(graph);
    const asJson = JSON.stringify(
      {
        services: { gw: { kind: 'gateway', public: { u: 80 } }, db: { kind: 'baas' } },
        edges: [['gw', ['p', 's'], 'db']],
      },
      null,
      '\t',
    );
    expect(load(asJson).edges).to.deep.equal([{ source: 'gw', plug: 'p', socket: 's', dest: 'db' }]);
  });

  it("loads the specification's example: 8 services, 15 edges, four parallel pairs", () => {
    const graph = load(EXAMPLE);
    expect(graph.services).to.have.length(8);
    expect(graph.edges).to.have.length(15);
    const pairs = graph.edges.map(({ source, dest }) => `${source} ${dest}`);
    expect(pairs.length - new Set(pairs).size).to.equal(4);
  });

  it('warns of a service without plugs and of idle_after on a gateway, and loads', () => {
    const text = TINY.replace('public: {', 'idle_after: 5s, public: {').replace(/.*constructor, \[q.*\n/, '');
    const result = parseGraph(text, 'tiny.yaml');
    expect(result.ok && result.warnings.map(formatProblem)).to.deep.equal([
      "tiny.yaml:4:23 warning: idle_after of the gateway 'gw' has no effect: gateways stay",
      "tiny.yaml:6:3 warning: service 'constructor' has no plugs: a terminal vertex that keeps data is of kind baas, one of kind service must keep none",
    ]);
  });

  it('R14 a socket may have many callers, a plug has one target', () => {
    const index = indexGraph(load(TINY));
    expect(callersOf(index, 'db', 't').map(({ source, plug }) => `${source}/${plug}`)).to.deep.equal([
      'post/q',
      'post/r',
      'constructor/q',
    ]);
    expect(edgeOfPlug(index, 'post', 'r')?.dest).to.equal('db');
    expect(edgeOfPlug(index, 'post', 'toString')).to.equal(null);
    expect(edgeOfPlug(index, 'toString', 'q')).to.equal(null);
    expect(callersOf(index, 'nobody', 't')).to.deep.equal([]);
  });

  it('R38 knows what is an edge', () => {
    const index = indexGraph(load(TINY));
    expect(isEdge(index, 'post', 'q', 't', 'db')).to.equal(true);
    expect(isEdge(index, 'post', 'q', 's', 'db')).to.equal(false);
    expect(isEdge(index, 'post', 'q', 't', 'post')).to.equal(false);
    expect(isEdge(index, 'gw', 'q', 't', 'db')).to.equal(false);
  });

  it('knows the sockets and plugs of a service', () => {
    const view = viewOf(indexGraph(load(TINY)), 'db');
    expect(view?.sockets).to.deep.equal([{ name: 't', publicPort: null }]);
    expect(view?.plugs).to.deep.equal([]);
    const gateway = viewOf(indexGraph(load(TINY)), 'gw');
    expect(gateway?.sockets).to.deep.equal([{ name: 'user-socket', publicPort: 8080 }]);
    expect(gateway?.plugs.map(({ plug }) => plug)).to.deep.equal(['p', 'c']);
  });

  it('R23 a gateway may run once a node unless the graph says otherwise', () => {
    const [gateway, post] = load(TINY).services;
    if (gateway === undefined || post === undefined) throw new Error('no services');
    expect(replicasMax(gateway, 3)).to.equal(3);
    expect(replicasMax(post, 3)).to.equal(2);
  });

  it('never throws on any text', () => {
    const piece = fc.constantFrom(
      'services:',
      '\n',
      '  ',
      'a',
      '{',
      '}',
      '[',
      ']',
      ': ',
      '&a',
      '*a',
      '- ',
      '"',
      'kind',
      'edges',
      '__proto__',
      '\t',
      '!!x',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        parseGraph(pieces.join(''), 'x.yaml');
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => void parseGraph(JSON.stringify(value), 'x.json')),
      { numRuns: 200 },
    );
  });
});

describe('graph pictures', () => {
  it('text, with what runs', () => {
    const live = { instances: new Map([['post', 2]]), sessions: new Map([['gw/p', 1]]) };
    expect(renderGraph(load(TINY), 'text', live)).to.equal(`tiny (gateway.tiny.test): 4 services, 5 edges

gw  [gateway]  user-socket :8080  0 instances
  ├─ p → s  post         1 session
  └─ c → s  constructor  0 sessions

post  [service]  2 instances
  ├─ q → t  db           0 sessions
  └─ r → t  db           0 sessions

constructor  [service]  0 instances
  └─ q → t  db           0 sessions

db  [baas]  0 instances
`);
  });

  it('mermaid', () => {
    expect(renderGraph(load(TINY), 'mermaid')).to.equal(`flowchart LR
  v0(["gw"])
  v1["post"]
  v2["constructor"]
  v3[("db")]
  v0 -->|"p → s"| v1
  v0 -->|"c → s"| v2
  v1 -->|"q → t"| v3
  v1 -->|"r → t"| v3
  v2 -->|"q → t"| v3
`);
  });

  it('SVG with every name, one path an edge, and nothing that overlaps within a layer', () => {
    const graph = load(EXAMPLE);
    const svg = renderGraph(graph, 'svg');
    expect(svg.match(/<path d="M\d/g)?.length).to.equal(graph.edges.length + 1);
    for (const { name } of graph.services) expect(svg).to.include(`>${name}</text>`);
    const boxes = [...svg.matchAll(/<g><rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/g)].map((match) =>
      match.slice(1).map(Number),
    );
    expect(boxes).to.have.length(8);
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(i + 1)) {
        const [ax = 0, ay = 0, aw = 0, ah = 0] = a;
        const [bx = 0, by = 0, bw = 0, bh = 0] = b;
        expect(ax + aw <= bx || bx + bw <= ax || ay + ah <= by || by + bh <= ay).to.equal(true);
      }
    }
  });

  it('draws a chain of 4096 services in every format in reasonable time', function () {
    this.timeout(20_000);
    const services = Array.from({ length: 4095 }, (_, n) => ({
      name: `s${n}`,
      kind: 'service' as const,
      publicSockets: [],
      replicas: { min: 0, max: 1 },
      idleAfterMs: null,
    }));
    const edges = services.slice(1).map(({ name }, n) => ({ source: `s${n}`, plug: 'p', socket: 's', dest: name }));
    const long = { source: 's0', plug: 'q', socket: 's', dest: 's4094' };
    const graph: Graph = {
      cnapp: 'chain',
      alias: null,
      services,
      edges: [...edges, long],
      policies: DEFAULT_POLICIES,
    };
    for (const format of GRAPH_FORMATS) expect(renderGraph(graph, format)).to.include('s4094');
  });
});

describe('durations and guesses', () => {
  it('reads and writes durations', () => {
    expect(['500ms', '60s', '2m', '1h', '720h'].map(parseDuration)).to.deep.equal([
      500, 60_000, 120_000, 3_600_000, 2_592_000_000,
    ]);
    expect(['', '5', '0s', '-1s', '1.5s', '1d', '721h', '1 s', '99999999999ms'].map(parseDuration)).to.deep.equal(
      Array(9).fill(null),
    );
    expect([500, 60_000, 1500, 7_200_000].map(formatDuration)).to.deep.equal(['500ms', '1m', '1500ms', '2h']);
  });

  it('guesses near words only', () => {
    expect(nearestWord('postz', ['table', 'post', 'posts'])).to.equal('post');
    expect(nearestWord('ab', ['xy', 'abc'])).to.equal('abc');
    expect(nearestWord('elsewhere', ['post'])).to.equal(null);
  });
});
