/**
 * The picture of lab 5's chapter, from a real run of the solution (`npm run labs-proof -- --pictures 5`).
 *
 * Lives here: what is drawn: for how long the Manager had not heard each node, while one was without power and later one cut off.
 * When it concluded anything from that is not in it: a student predicts that.
 */
import type { Evidence, Pictures, Work } from '../runner/api.ts';
import { lostNodesOf } from './failures.ts';

/** Seconds that are drawn before the first silence. */
const BEFORE_S = 5;

export async function pictures(work: Work): Promise<Pictures> {
  const evidence = await work.evidence();
  const losses = lostNodesOf(evidence).slice(0, 2);
  const begin = (losses[0]?.lastWordAt ?? 0) - BEFORE_S * 1000;
  const end = evidence.events.at(-1)?.at ?? 0;
  const nodes = new Set(evidence.trace.filter(({ to }) => to === 'Manager').map(({ from }) => from));
  return {
    silence: {
      kind: 'plot',
      title: 'Seconds since the Manager last heard each node',
      seconds: (end - begin) / 1000,
      lines: [...nodes].sort().map((node) => ({ name: node, points: silences(evidence, node, begin, end) })),
    },
  };
}

/** It grows until the next word, then it is nothing. */
function silences({ trace }: Evidence, node: string, begin: number, end: number): (readonly [number, number])[] {
  const words = trace
    .filter(({ hop, from, to }) => hop === 'agent-Manager' && from === node && to === 'Manager')
    .map(({ time }) => Date.parse(time))
    .filter((at) => at >= begin && at <= end);
  const points: (readonly [number, number])[] = [];
  let last = words[0] ?? begin;
  for (const at of [...words, end]) {
    points.push([(at - begin) / 1000, (at - last) / 1000], [(at - begin) / 1000, 0]);
    last = at;
  }
  return points;
}
