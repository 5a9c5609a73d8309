/**
 * Every change of a status is a row of its table.
 *
 * Lives here: asking the coverage for a change that is none. Does not live here: the tables, which the cores export.
 */
import type { Coverage } from '../coverage.ts';
import type { Law } from './law.ts';

export function lives(coverage: Coverage): Law {
  return {
    name: 'every change of a status is a row of its table',
    afterStep: () => (coverage.stray === null ? null : `no such row: ${coverage.stray}`),
  };
}
