/**
 * Abstract graphs to simulate: from three services to the whole reference CNApp.
 *
 * Lives here: the graphs, and the one that `apply` changes to. Does not live here: which seed takes which (swarm.ts).
 */
import type { Graph } from '../ssmmp/core/graph.ts';
import { parseGraph } from '../ssmmp/core/graph-parse.ts';

/** Gateway, one service, one store. */
const CHAIN = `
cnapp: chain
services:
  gate:  {kind: gateway, public: {users: 8080}}
  front: {kind: service, replicas: {min: 0, max: 3}}
  store: {kind: baas}
edges:
  - [gate, [front-plug, front-socket], front]
  - [front, [store-plug, store-socket], store]
`;

/** Two ways from the gateway to two stores, and services that go when nobody uses them. */
const DIAMOND = `
cnapp: diamond
services:
  gate:  {kind: gateway, public: {users: 8080}, replicas: {min: 1, max: 3}}
  left:  {kind: service, replicas: {min: 0, max: 4}, idle_after: 4s}
  right: {kind: service, replicas: {min: 1, max: 3}}
  posts: {kind: baas}
  files: {kind: baas}
edges:
  - [gate, [left-plug, left-socket], left]
  - [gate, [right-plug, right-socket], right]
  - [left, [posts-plug, posts-socket], posts]
  - [right, [posts-plug, posts-socket], posts]
  - [right, [files-plug, files-socket], files]
`;

/** DIAMOND, edited: an edge less, a service more. */
const DIAMOND_EDITED = `
cnapp: diamond
services:
  gate:  {kind: gateway, public: {users: 8080}, replicas: {min: 1, max: 3}}
  left:  {kind: service, replicas: {min: 1, max: 4}}
  right: {kind: service, replicas: {min: 1, max: 3}}
  extra: {kind: service}
  posts: {kind: baas}
  files: {kind: baas}
edges:
  - [gate, [left-plug, left-socket], left]
  - [gate, [right-plug, right-socket], right]
  - [gate, [extra-plug, extra-socket], extra]
  - [left, [posts-plug, posts-socket], posts]
  - [right, [files-plug, files-socket], files]
  - [extra, [files-plug, files-socket], files]
policies: {balancing: round-robin}
`;

/** CHAIN with another socket between gateway and service. */
const CHAIN_EDITED = CHAIN.replace('front-socket], front]', 'other-socket], front]');

/** A graph and what an operator may change it to. */
export interface GraphPair {
  readonly name: string;
  readonly first: Graph;
  readonly edited: Graph;
}

export const GRAPHS: readonly GraphPair[] = [
  { name: 'chain', first: graphOf(CHAIN), edited: graphOf(CHAIN_EDITED) },
  { name: 'diamond', first: graphOf(DIAMOND), edited: graphOf(DIAMOND_EDITED) },
];

/** A graph from its YAML; throws when it is none. */
export function graphOf(text: string): Graph {
  const parsed = parseGraph(text, 'graphs.ts');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.graph;
}
