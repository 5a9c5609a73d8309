/** The difference of two graphs. */
import { expect } from 'chai';
import { changeText, differenceOf, servicesOf } from '../../../ssmmp/core/graph-difference.ts';
import type { Graph } from '../../../ssmmp/core/graph.ts';
import { parseGraph } from '../../../ssmmp/core/graph-parse.ts';

const BEFORE = `
cnapp: small
alias: gateway.small.test
services:
  gate:  {kind: gateway, public: {users: 8080}}
  front: {kind: service, replicas: {min: 0, max: 3}}
  side:  {kind: service}
  store: {kind: baas}
edges:
  - [gate, [front-plug, front-socket], front]
  - [gate, [side-plug, side-socket], side]
  - [front, [store-plug, store-socket], store]
  - [side, [store-plug, store-socket], store]
`;

function load(text: string): Graph {
  const result = parseGraph(text, 'small.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.graph;
}

function difference(after: string): string[] {
  return differenceOf(load(BEFORE), load(after)).map(changeText);
}

describe('graph difference', () => {
  it('is empty for the same graph, also with services and edges in another order and defaults written out', () => {
    expect(difference(BEFORE)).to.deep.equal([]);
    const [head = '', services = '', edges = ''] = BEFORE.split(/(?=services:|edges:)/);
    const turned = (part: string): string => {
      const [first, ...lines] = part.trimEnd().split('\n');
      return [first, ...lines.reverse(), ''].join('\n');
    };
    expect(difference(`${head}${turned(services)}${turned(edges)}`)).to.deep.equal([]);
    expect(difference(`${BEFORE}policies: {balancing: least-sessions, scaling: load}\n`)).to.deep.equal([]);
  });

  it('names every setting that is another', () => {
    const after = BEFORE.replace('cnapp: small', 'cnapp: tiny')
      .replace('alias: gateway.small.test\n', '')
      .replace('{users: 8080}', '{users: 8081}')
      .replace('{min: 0, max: 3}}', '{min: 1, max: 1}, idle_after: 90s}')
      .replace('side:  {kind: service}', 'side:  {kind: service, idle_after: 1h}');
    expect(difference(`${after}policies: {balancing: random, scaling: none}\n`)).to.deep.equal([
      '~ name of the CNApp: small → tiny',
      '~ alias: gateway.small.test → none',
      '~ policy balancing: least-sessions → random',
      '~ policy scaling: load → none',
      '~ public sockets of gate: users 8080 → users 8081',
      '~ replicas of front: 0 to 3 → 1',
      '~ idle_after of front: never → 90s',
      '~ idle_after of side: never → 1h',
    ]);
  });

  it('tells services and edges that come and go, what goes first', () => {
    const after = BEFORE.replace('  side:  {kind: service}\n', '  more:  {kind: service}\n')
      .replace('  - [gate, [side-plug, side-socket], side]\n', '  - [gate, [more-plug, more-socket], more]\n')
      .replace('  - [side, [store-plug, store-socket], store]', '  - [more, [store-plug, store-socket], store]');
    expect(difference(after)).to.deep.equal([
      '- service side (service)',
      '+ service more (service, 0 to 5 replicas)',
      '- edge gate side-plug → side-socket side',
      '- edge side store-plug → store-socket store',
      '+ edge gate more-plug → more-socket more',
      '+ edge more store-plug → store-socket store',
    ]);
  });

  it('R14 another target of a plug is one edge less and one more', () => {
    const after = BEFORE.replace(
      '[gate, [side-plug, side-socket], side]',
      '[gate, [side-plug, side-socket], front]',
    ).replace('[front, [store-plug, store-socket], store]', '[front, [side-plug, side-socket], side]');
    expect(difference(after)).to.deep.equal([
      '- edge gate side-plug → side-socket side',
      '- edge front store-plug → store-socket store',
      '+ edge gate side-plug → side-socket front',
      '+ edge front side-plug → side-socket side',
    ]);
  });

  it('names the kind of a service that changed, and whom a change is about', () => {
    const after = BEFORE.replace('side:  {kind: service}', 'side:  {kind: baas}').replace(
      '  - [side, [store-plug, store-socket], store]\n',
      '',
    );
    const changes = differenceOf(load(BEFORE), load(after));
    expect(changes.map(changeText)).to.deep.equal([
      '~ kind of side: service → baas',
      '~ replicas of side: 0 to 5 → 1',
      '- edge side store-plug → store-socket store',
    ]);
    expect(changes.map(servicesOf)).to.deep.equal([['side'], ['side'], ['side', 'store']]);
  });

  it('a graph of an old journal without a policy that came later has its default', () => {
    const graph = load(BEFORE);
    const old = { ...graph, policies: { balancing: 'least-sessions' } } as unknown as Graph;
    expect(differenceOf(old, graph)).to.deep.equal([]);
  });
});
