/**
 * What a simulated world is like: its size, its graph, its speed.
 *
 * Lives here: the options and what they are while nothing goes wrong. Does not live here: drawing them (swarm.ts).
 */
import type { Graph } from '../ssmmp/core/graph.ts';

/** What a world is like while nothing goes wrong. All times are ranges [least, most] in microseconds. */
export interface WorldOptions {
  readonly seed: number;
  readonly graph: Graph;
  /** What an operator may change the graph to. */
  readonly edited: Graph;
  /** Nodes with an agent; node 0 is the Manager's and the users'. */
  readonly nodes: number;
  readonly users: number;
  /** A user sends the next request after so long. */
  readonly thinkUs: readonly [number, number];
  readonly delayUs: readonly [number, number];
  /** Share of segments that take fifty times as long. */
  readonly lateShare: number;
  /** Share of writes that arrive in two pieces, cut at any byte. */
  readonly splitShare: number;
  readonly diskUs: readonly [number, number];
  readonly bootUs: readonly [number, number];
  readonly timerScale: number;
}

export const CALM: Omit<WorldOptions, 'seed' | 'graph' | 'edited'> = {
  nodes: 3,
  users: 2,
  thinkUs: [50_000, 400_000],
  delayUs: [100, 900],
  lateShare: 0,
  splitShare: 0,
  diskUs: [200, 3_000],
  bootUs: [60_000, 200_000],
  timerScale: 1,
};
