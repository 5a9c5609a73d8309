/** A wrong answer: an instance of the node that lost its power, which did not run beside its replacement. */
import type { Work } from '../../../runner/api.ts';
import { change } from '../../change.ts';

export async function answer(work: Work): Promise<void> {
  const { events } = await work.evidence();
  const gone = events.find(({ text }) => text.includes('unknown → off: its agent came back without it'));
  change(work, 'partition', { old: String(gone?.text.split(' ')[0] ?? '') });
}
