/**
 * What the files of a lab import: `check.ts`, `play.ts` and `pictures.ts`.
 *
 *     import { defineChecks, expectEqual } from '../runner/api.ts';
 *     export const checks = defineChecks({
 *       'find-your-post': async (work) => { … },      // the names of lab.yaml; throws Unmet, or returns
 *     });
 *
 * Lives here: the words of that small language. Does not live here: how any of it works (shell/). docs/writing-labs.md is
 * its guide.
 */
import type { CheckItems } from './shell/check.ts';
import type { Work } from './shell/work.ts';

export { Chance } from '../../load/core/work.ts';
export type { LoadReport } from '../../load/core/report.ts';
export { entriesOfSession, linesOf, typeOf } from '../../ssmmp/core/trace.ts';
export type { TraceEntry } from '../../ssmmp/core/trace.ts';
export { curvesOf } from './core/event.ts';
export type { LabEvent } from './core/event.ts';
export type { Picture, Pictures } from './core/picture.ts';
export { withoutHealth } from './core/sequence.ts';
export type { SequenceNote } from './core/sequence.ts';
export type { CheckItems } from './shell/check.ts';
export type { InstanceRow, LabCluster, SessionRow, UpOptions } from './shell/cluster.ts';
export type { Evidence, JournalRecord } from './shell/evidence.ts';
export type { Overlay } from './shell/bundle.ts';
export type { LabProgram, Prepare } from './shell/prepare.ts';
export type { Ran, RunOptions } from './shell/programs.ts';
export { expectEqual, expectThat, isUnmet, Unmet } from './shell/unmet.ts';
export type { UnmetText } from './shell/unmet.ts';
export type { Work } from './shell/work.ts';

/** The items of a check, by their names in lab.yaml. */
export function defineChecks(items: CheckItems): CheckItems {
  return items;
}

/**
 * What play.ts of a solution or a wrong answer may export: what a student does at the terminal (`operate`), and what a student
 * then writes down (`answer`). The chapter's test types the commands itself and then only lets it answer.
 */
export interface Play {
  readonly operate?: (work: Work) => Promise<void>;
  readonly answer?: (work: Work) => Promise<void>;
}
