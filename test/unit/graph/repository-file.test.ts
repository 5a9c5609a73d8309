/** Repository files: what loads, and every problem with its exact words. */
import { expect } from 'chai';
import { formatProblem } from '../../../ssmmp/core/located-yaml.ts';
import { parseRepository } from '../../../ssmmp/core/repository-file.ts';

const NAME = "a letter or digit, then at most 63 of letters, digits, '_', '.' and '-' (R06)";

function problemsOf(service: string): string[] {
  const result = parseRepository(`services:\n  ${service}\n`, 'repository.yaml');
  return result.ok ? [] : result.problems.map(formatProblem);
}

describe('repository file', () => {
  it('loads services with their defaults', () => {
    const text =
      'services:\n  post: {sockets: [s], plugs: [p, q], run: [node, post.js], env: {A: b}, spares: 1}\n  db: {run: [./db]}\n';
    const result = parseRepository(text, 'repository.yaml');
    expect(result.ok && [...result.services.values()]).to.deep.equal([
      { name: 'post', sockets: ['s'], plugs: ['p', 'q'], run: ['node', 'post.js'], env: { A: 'b' }, spares: 1 },
      { name: 'db', sockets: null, plugs: null, run: ['./db'], env: {}, spares: 0 },
    ]);
  });

  it('R05 an empty repository is legal', () => {
    expect(parseRepository('services: {}', 'repository.yaml').ok).to.equal(true);
  });

  const rows: readonly (readonly [service: string, problem: string])[] = [
    ["'a b': {run: [x]}", `2:3 the service name 'a b' is not a name; expected ${NAME}`],
    [
      'a: {}',
      "2:6 run of service 'a' is missing; expected a list: program and arguments, such as [node, dist/services/post.js]",
    ],
    [
      'a: {run: node x.js}',
      "2:12 run of service 'a' is 'node x.js'; expected a list: program and arguments, such as [node, dist/services/post.js]",
    ],
    [
      'a: {run: []}',
      "2:12 run of service 'a' is []; expected at least a program, such as [node, dist/services/post.js]",
    ],
    ['a: {run: [""]}', '2:12 run of service \'a\' is [""]; expected a program before the arguments'],
    ['a: {run: [x, 1]}', "2:16 run.1 of service 'a' is the number 1; expected a text (write numbers in quotes)"],
    [
      'a: {run: [x], env: {A: 1}}',
      "2:26 env.A of service 'a' is the number 1; expected a text (write numbers and true or false in quotes)",
    ],
    [
      'a: {run: [x], env: {a-b: c}}',
      "2:23 env of service 'a' names 'a-b'; expected letters, digits and '_', no digit first",
    ],
    [
      'a: {run: [x], env: {SSMMP_DATA_DIR: c}}',
      "2:23 env of service 'a' names 'SSMMP_DATA_DIR'; expected another name, the agent sets this one itself",
    ],
    ['a: {run: [x], spares: 17}', "2:25 spares of service 'a' is the number 17; expected a whole number from 0 to 16"],
    ['a: {run: [x], sockets: [s, s]}', '2:26 sockets of service \'a\' is ["s","s"]; expected each name once'],
    ['a: {run: [x], plugs: [" "]}', `2:25 plugs.0 of service 'a' is ' '; expected ${NAME}`],
    [
      'a: {run: [x], plug: [p]}',
      "2:17 service 'a' has the unknown key 'plug' (did you mean 'plugs'?); known are sockets, plugs, run, env, spares, versions",
    ],
  ];
  for (const [service, problem] of rows) {
    it(`refuses ${service}`, () => {
      expect(problemsOf(service)).to.deep.equal([`repository.yaml:${problem}`]);
    });
  }

  it('refuses a file of another shape', () => {
    const result = parseRepository('programs: {}', 'repository.yaml');
    expect(result.ok ? [] : result.problems.map(formatProblem)).to.deep.equal([
      'repository.yaml:1:1 services is missing; expected a map of services such as {post: {run: [node, post.js]}}',
      "repository.yaml:1:1 the repository has the unknown key 'programs'; known are services",
    ]);
  });
});
