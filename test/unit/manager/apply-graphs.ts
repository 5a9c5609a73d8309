/** Graphs that differ from SMALL in one way each, and a cluster to apply them to; for the tests of plan and apply. */
import { SMALL } from './harness.ts';
import { Obedient } from './obedient.ts';

/** side is called by front instead of gate; without a caller it would be unreachable. */
export const MOVED = SMALL.replace('[gate, [side-plug, side-socket], side]', '[front, [side-plug, side-socket], side]');
export const NO_SIDE = SMALL.replace('  side:  {kind: service}\n', '')
  .replace('  - [gate, [side-plug, side-socket], side]\n', '')
  .replace('  - [side, [store-plug, store-socket], store]\n', '');
/** One more service between gate and store. */
export const MORE = SMALL.replace('services:\n', 'services:\n  more:  {kind: service}\n').replace(
  'edges:\n',
  'edges:\n  - [gate, [more-plug, more-socket], more]\n  - [more, [store-plug, store-socket], store]\n',
);
/** front gets a plug to a socket that store does not have yet. */
export const SECOND_SOCKET = `${SMALL}  - [front, [log-plug, log-socket], store]\n`;

export function limits(min: number, max: number): string {
  return SMALL.replace('{min: 0, max: 3}', `{min: ${min}, max: ${max}}`);
}

/** A cluster with so many replicas of front and a session from gate to front and to side. */
export function running(replicas = 1, graph = SMALL): Obedient {
  const cluster = new Obedient(graph);
  cluster.open('gate', 'front-plug', 'front-socket', 'front');
  cluster.open('gate', 'side-plug', 'side-socket', 'side');
  if (replicas > 1) cluster.command(900, { command: 'scale', service: 'front', replicas, dry_run: false });
  cluster.log.length = 0;
  return cluster;
}
