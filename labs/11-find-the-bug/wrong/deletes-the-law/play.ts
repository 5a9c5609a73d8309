// The bug is back, and nobody complains any more: in the student's copy the law says yes to everything.
import type { Work } from '../../../runner/api.ts';
import { mend, plantedLine } from '../../bugs.ts';

export function answer(work: Work): Promise<void> {
  mend(work, 1, plantedLine(1));
  work.write(
    'bug-1/agent/core/invariants.ts',
    'export function brokenInvariant(): string | null {\n  return null;\n}\n',
  );
  return Promise.resolve();
}
