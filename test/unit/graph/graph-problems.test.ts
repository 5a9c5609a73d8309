/** Every problem of a graph file: its place and its exact words. One row a problem. */
import { expect } from 'chai';
import { EDGES_MAX, parseGraph, REPLICAS_MAX, SERVICES_MAX } from '../../../ssmmp/core/graph-parse.ts';
import { FILE_CHARACTERS_MAX, formatProblem, PROBLEMS_MAX } from '../../../ssmmp/core/located-yaml.ts';

/** Lines 1 to 5; the tests add the lines from 6. */
const HEAD = `cnapp: tiny
services:
  gw: {kind: gateway, public: {user-socket: 8080}}
  post: {kind: service}
  db: {kind: baas}
`;
const EDGES = `edges:
  - [gw, [p, s], post]
  - [post, [q, t], db]
`;
const NAME = "a letter or digit, then at most 63 of letters, digits, '_', '.' and '-' (R06)";
const DURATION = "a duration such as '500ms', '60s', '2m' or '1h', above 0 and at most 720h";

function problemsOf(text: string): string[] {
  const result = parseGraph(text, 'cnapp.yaml');
  return result.ok ? [] : result.problems.map(formatProblem);
}

/** A graph whose `services:` gets one more line, line 6. */
const withService = (line: string): string => `${HEAD}  ${line}\n${EDGES}  - [post, [x, x], extra]\n`;
const withEdge = (line: string): string => `${HEAD}${EDGES}  - ${line}\n`;

const ROWS: readonly (readonly [title: string, text: string, problems: readonly string[]])[] = [
  [
    'unknown service in an edge, with a guess',
    withEdge('[postz, [r, t], db]'),
    ["cnapp.yaml:9:5 edge names the service 'postz', which the graph does not have (did you mean 'post'?)"],
  ],
  [
    'unknown service in an edge, nothing near',
    withEdge('[post, [r, t], elsewhere]'),
    ["cnapp.yaml:9:5 edge names the service 'elsewhere', which the graph does not have"],
  ],
  [
    'R06 service name',
    withService("'no good': {kind: service}"),
    [
      `cnapp.yaml:6:3 the service name 'no good' is not a name; expected ${NAME}`,
      "cnapp.yaml:10:5 edge names the service 'extra', which the graph does not have",
    ],
  ],
  [
    'R06 plug name',
    withEdge('[post, [-q, t], db]'),
    [`cnapp.yaml:9:5 the plug name '-q' is not a name; expected ${NAME}`],
  ],
  [
    'R06 socket name',
    withEdge("[post, [r, 't~'], db]"),
    [`cnapp.yaml:9:5 the socket name 't~' is not a name; expected ${NAME}`],
  ],
  [
    'R06 public socket name',
    withService("extra: {kind: gateway, public: {'a,b': 80}}").replace(
      '[post, [x, x], extra]',
      '[extra, [x, x], post]',
    ),
    [`cnapp.yaml:6:35 the socket name 'a,b' is not a name; expected ${NAME}`],
  ],
  [
    'R06 name of the CNApp',
    `${HEAD}${EDGES}`.replace('tiny', "'~'"),
    [`cnapp.yaml:1:8 cnapp is '~'; expected a name: ${NAME}`],
  ],
  [
    'R13 an edge that stands twice',
    withEdge('[post, [q, t], db]'),
    [
      "cnapp.yaml:9:5 edge repeats line 8: the plug 'q' of 'post' to socket 't' of 'db'; expected distinct (plug, socket) between the same two services (R13)",
    ],
  ],
  [
    'R14 a plug with two services',
    `${HEAD}  db2: {kind: baas}\n${EDGES}  - [post, [q, t], db2]\n`,
    [
      "cnapp.yaml:10:5 edge gives the plug 'q' of 'post' a second target; expected one, it leads to socket 't' of 'db' since line 9 (R14)",
    ],
  ],
  [
    'R14 a plug with two sockets',
    withEdge('[post, [q, t2], db]'),
    [
      "cnapp.yaml:9:5 edge gives the plug 'q' of 'post' a second target; expected one, it leads to socket 't' of 'db' since line 8 (R14)",
    ],
  ],
  [
    'R14 a cycle, as a path',
    `${HEAD}  a: {kind: service}\n  b: {kind: service}\n${EDGES}  - [post, [r, s], a]\n  - [a, [r, s], b]\n  - [b, [r, s2], post]\n`,
    ['cnapp.yaml:13:5 edge closes the cycle post -> a -> b -> post; expected a graph without cycles (R14)'],
  ],
  [
    'R14 an edge to itself',
    withEdge('[post, [r, s2], post]'),
    ['cnapp.yaml:9:5 edge closes the cycle post -> post; expected a graph without cycles (R14)'],
  ],
  [
    'R14 a BaaS with plugs',
    `${HEAD}  db2: {kind: baas}\n${EDGES}  - [db, [q, t], db2]\n`,
    [
      "cnapp.yaml:10:5 edge gives the BaaS 'db' the plug 'q'; expected none, a BaaS is a terminal vertex without plugs (R14)",
    ],
  ],
  [
    'an edge to a gateway',
    `${HEAD}  gw2: {kind: gateway, public: {u: 81}}\n${EDGES}  - [gw2, [q, t], gw]\n`,
    [
      "cnapp.yaml:10:5 edge leads to the gateway 'gw'; expected none, a gateway is an initial vertex that users alone connect to",
    ],
  ],
  [
    'an unreachable service',
    `${HEAD}  lost: {kind: service}\n${EDGES}  - [lost, [q, t], db]\n`,
    ["cnapp.yaml:6:3 service 'lost' is unreachable: no path of edges leads from a gateway to it"],
  ],
  [
    'an isolated service',
    `${HEAD}  lost: {kind: baas}\n${EDGES}`,
    ["cnapp.yaml:6:3 service 'lost' is unreachable: no path of edges leads from a gateway to it"],
  ],
  [
    'no gateway',
    'services:\n  a: {kind: service}\n  b: {kind: baas}\nedges:\n  - [a, [p, s], b]\n',
    ['cnapp.yaml:1:1 the graph has no gateway; expected at least one service of kind gateway, the entry for users'],
  ],
  [
    'R23 a gateway without public socket',
    `${HEAD}${EDGES}`.replace(', public: {user-socket: 8080}', ''),
    [
      "cnapp.yaml:3:3 the gateway 'gw' has no public socket, so no user could reach it; expected public: {user-socket: 8080} or the like (R23)",
    ],
  ],
  [
    'R23 a public socket of another kind',
    withService('extra: {kind: baas, public: {u: 81}}'),
    ["cnapp.yaml:6:23 service 'extra' of kind baas has public sockets; only a gateway may (R23)"],
  ],
  [
    "R23 a public port in the Manager's range",
    `${HEAD}${EDGES}`.replace('8080', '54000'),
    [
      "cnapp.yaml:3:45 the public socket 'user-socket' of 'gw' has port 54000; expected a port outside 54000 to 55552, which the Manager gives to instances (R23)",
    ],
  ],
  [
    "R23 a public port that is the project's own",
    `${HEAD}${EDGES}`.replace('8080', '55555'),
    [
      "cnapp.yaml:3:45 the public socket 'user-socket' of 'gw' has port 55555; expected another one, this is a port of Manager, agents, DNS or operator",
    ],
  ],
  [
    'a public port that is none',
    `${HEAD}${EDGES}`.replace('8080', '65536'),
    ["cnapp.yaml:3:45 the public socket 'user-socket' of 'gw' has port 65536; expected a port from 1 to 65535"],
  ],
  [
    'a public port that is a text',
    `${HEAD}${EDGES}`.replace('8080', 'http'),
    ["cnapp.yaml:3:45 public.user-socket of service 'gw' is 'http'; expected a port number"],
  ],
  [
    'R23 a public port twice',
    `${HEAD}${EDGES}`.replace('8080', '8080, other: 8080'),
    [
      "cnapp.yaml:3:58 the public socket 'other' of 'gw' has port 8080; expected another one, 'gw/user-socket' has it and one node may run both",
    ],
  ],
  [
    'replicas min above max',
    withService('extra: {kind: service, replicas: {min: 3, max: 2}}'),
    ["cnapp.yaml:6:26 replicas of service 'extra' have min 3 above max 2; expected min up to max"],
  ],
  [
    'two replicas of a BaaS',
    withService('extra: {kind: baas, replicas: {max: 2}}'),
    ["cnapp.yaml:6:23 the BaaS 'extra' may have 2 replicas; expected at most 1, for one instance owns the data"],
  ],
  [
    'replicas below 0',
    withService('extra: {kind: service, replicas: {min: -1}}'),
    ["cnapp.yaml:6:42 replicas.min of service 'extra' is the number -1; expected a number from 0"],
  ],
  [
    'too many replicas',
    withService(`extra: {kind: service, replicas: {max: ${REPLICAS_MAX + 1}}}`),
    [
      `cnapp.yaml:6:42 replicas.max of service 'extra' is the number ${REPLICAS_MAX + 1}; expected a number up to ${REPLICAS_MAX}`,
    ],
  ],
  [
    'replicas as a number',
    withService('extra: {kind: service, replicas: 3}'),
    ["cnapp.yaml:6:36 replicas of service 'extra' is the number 3; expected a map such as {min: 0, max: 5}"],
  ],
  [
    'idle_after without unit',
    withService('extra: {kind: service, idle_after: 60}'),
    [`cnapp.yaml:6:38 idle_after of service 'extra' is the number 60; expected ${DURATION}`],
  ],
  [
    'idle_after of nothing',
    withService('extra: {kind: service, idle_after: 0s}'),
    [`cnapp.yaml:6:38 idle_after of service 'extra' is '0s'; expected ${DURATION}`],
  ],
  [
    'an unknown kind',
    withService('extra: {kind: databse}'),
    ["cnapp.yaml:6:17 kind of service 'extra' is 'databse'; expected gateway, service or baas"],
  ],
  [
    'no kind',
    withService('extra: {}'),
    ["cnapp.yaml:6:10 kind of service 'extra' is missing; expected gateway, service or baas"],
  ],
  [
    'an empty service',
    withService('extra:'),
    ["cnapp.yaml:6:9 service 'extra' is empty; expected a map such as {kind: service}"],
  ],
  [
    'an unknown key of a service',
    withService('extra: {kind: service, replica: {}}'),
    [
      "cnapp.yaml:6:26 service 'extra' has the unknown key 'replica' (did you mean 'replicas'?); known are kind, public, replicas, idle_after, versions",
    ],
  ],
  [
    'an unknown key of the graph',
    `${HEAD}${EDGES}edgs: []\n`,
    [
      "cnapp.yaml:9:1 the graph has the unknown key 'edgs' (did you mean 'edges'?); known are cnapp, alias, services, edges, policies",
    ],
  ],
  [
    'an unknown policy',
    `${HEAD}${EDGES}policies: {balancing: luck}\n`,
    [
      "cnapp.yaml:9:23 policies.balancing is 'luck'; expected least-sessions, round-robin, random, weighted, or a file such as ./my-policies.ts",
    ],
  ],
  [
    'an unknown key of the policies',
    `${HEAD}${EDGES}policies: {balancng: least-sessions}\n`,
    [
      "cnapp.yaml:9:12 policies has the unknown key 'balancng' (did you mean 'balancing'?); known are placement, balancing, scaling, restart",
    ],
  ],
  [
    'an alias that is no DNS name',
    `${HEAD}${EDGES}alias: -x.test\n`,
    ["cnapp.yaml:9:8 alias is '-x.test'; expected a DNS name such as gateway.social-media.test"],
  ],
  [
    'a key twice',
    `${HEAD}  post: {kind: baas}\n${EDGES}`,
    ["cnapp.yaml:6:3 the key 'post' stands twice; expected each key once"],
  ],
  [
    'an edge of another shape',
    withEdge('[post, db]'),
    ['cnapp.yaml:9:5 edge is ["post","db"]; expected [source, [plug, socket], destination]'],
  ],
  [
    'a number as a name in an edge',
    withEdge('[post, [1, t], db]'),
    [
      'cnapp.yaml:9:5 edge is ["post",[1,"t"],"db"]; expected [source, [plug, socket], destination], a name that looks like a number in quotes',
    ],
  ],
  [
    'edges that are no list',
    `${HEAD}edges: {}\n`,
    ['cnapp.yaml:6:8 edges is a map; expected a list of edges [source, [plug, socket], destination]'],
  ],
  [
    'no services',
    'cnapp: tiny\n',
    ['cnapp.yaml:1:1 services is missing; expected a map of services such as {post: {kind: service}}'],
  ],
  ['an empty file', '', ['cnapp.yaml:1:1 the file is empty; expected a map with the keys of the example in docs']],
  [
    'a list',
    '- a\n',
    ['cnapp.yaml:1:1 the graph is ["a"]; expected a map with the keys cnapp, alias, services, edges, policies'],
  ],
  ['bad YAML', 'services:\n\tgw: 1\n', ['cnapp.yaml:2:1 this is not YAML: Tabs are not allowed as indentation']],
  [
    'two documents',
    'cnapp: a\n---\ncnapp: b\n',
    ["cnapp.yaml:2:1 the file holds more than one document; expected one, without a line '---' behind it"],
  ],
  [
    'an alias without anchor',
    'cnapp: *nothing\n',
    ['cnapp.yaml:1:1 the file cannot be unfolded: Unresolved alias (the anchor must be set before the alias): nothing'],
  ],
  [
    'a file over the limit',
    ' '.repeat(FILE_CHARACTERS_MAX + 1),
    [`cnapp.yaml:1:1 the file has ${FILE_CHARACTERS_MAX + 1} characters; expected at most ${FILE_CHARACTERS_MAX}`],
  ],
];

describe('graph file, problems', () => {
  for (const [title, text, problems] of ROWS) {
    it(title, () => {
      expect(problemsOf(text)).to.deep.equal([...problems]);
    });
  }

  it('reports all problems at once, in the order of the file, with found and expected', () => {
    const result = parseGraph(
      `services:
  gw: {kind: gateway, public: {u: 54001}}
  a: {kind: servce}
  b: {kind: service, idle_after: soon}
edges:
  - [gw, [p, s], x]
  - [b, [p, s], b]
colour: red
`,
      'many.yaml',
    );
    if (result.ok) throw new Error('loaded');
    expect(result.problems.map(({ line, found }) => `${line} ${found}`)).to.deep.equal([
      '2 port 54001',
      "3 'servce'",
      "4 'soon'",
      '6 x',
      '7 a cycle',
      '8 colour',
    ]);
    for (const problem of result.problems) expect(problem).to.include({ file: 'many.yaml', warning: false });
  });

  it('says how many services and edges are too many, and stops at the most problems', function () {
    this.timeout(20_000);
    const services = Array.from({ length: SERVICES_MAX + 1 }, (_, n) => `  s${n}: {kind: x}`).join('\n');
    const many = problemsOf(`services:\n${services}\n`);
    expect(many).to.have.length(PROBLEMS_MAX);
    const edges = Array.from({ length: EDGES_MAX + 1 }, (_, n) => `  - [post, [q${n}, t], db]`).join('\n');
    const text = `${HEAD}edges:\n${edges}\n`;
    expect(problemsOf(text)).to.deep.equal([
      `cnapp.yaml:6:1 the graph has ${EDGES_MAX + 1} edges; expected at most ${EDGES_MAX}`,
    ]);
  });

  for (const [what, text, place] of [
    ['brackets', `services: ${'['.repeat(500_000)}`, '1:75'],
    ['braces', '{'.repeat(500_000), '1:65'],
    ['braces that close', `${'{a: '.repeat(100)}1${'}'.repeat(100)}`, '1:257'],
    ['marks in a line', `services:\n  ${'- '.repeat(500_000)}`, '2:3'],
    ['keys in a line', '? '.repeat(100), '1:1'],
    ['indentation', Array.from({ length: 1300 }, (_, n) => `${' '.repeat(n)}a:\n`).join(''), '65:65'],
  ] as const)
    it(`refuses ${what} nested deeper than a parser's stack may bear, before it parses`, () => {
      expect(problemsOf(text)).to.deep.equal([
        `cnapp.yaml:${place} here the file is nested more than 64 levels deep; a graph or repository needs 6`,
      ]);
    });

  it('is not stopped by brackets side by side, or by an indentation of many spaces', () => {
    const lists = Array.from({ length: 200 }, (_, n) => `  - [post, [q${n}, t], db]`).join('\n');
    expect(problemsOf(`${HEAD}edges:\n${' '.repeat(120)}# far right\n${lists}\n`).join()).to.not.include('nested');
  });

  it('tells of no more problems than it may, whatever kind, and in time that grows with the file and not faster', function () {
    this.timeout(120_000);
    const begun = process.cpuUsage();
    for (const text of [
      'a:\n'.repeat(100_000), // each the same key
      Array.from({ length: 30_000 }, (_, n) => `k${n}: 1`).join('\n'), // each another one
      '&a '.repeat(100_000),
      `a: !!binary "${'A'.repeat(400_000)}"`,
      `<<: {a: 1}\n`.repeat(30_000),
    ])
      expect(problemsOf(text).length).to.be.within(1, PROBLEMS_MAX);
    const usedMs = process.cpuUsage(begun).user / 1000;
    expect(usedMs, 'minutes when each key is compared with all').to.be.lessThan(15_000);
  });

  it('shows control characters of a name as ? and cuts long ones', () => {
    const [problem] = problemsOf(withEdge(`[post, ["\\e[31m${'x'.repeat(100)}", t], db]`));
    expect(problem).to.include(`'?[31m${'x'.repeat(55)}…'`);
  });
});
