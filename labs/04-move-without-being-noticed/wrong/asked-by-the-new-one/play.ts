/** A wrong answer: the session that the new instance asked for, in place of the one to it. */
import { linesOf, typeOf } from '../../../runner/api.ts';
import type { Work } from '../../../runner/api.ts';
import { change } from '../../driver/change.ts';
import { movesOf } from '../../chunks.ts';

export async function answer(work: Work): Promise<void> {
  const evidence = await work.evidence();
  const [move] = movesOf(evidence);
  const asked = evidence.trace.find(({ message }) => {
    const lines = linesOf(message);
    const source = `${lines.get('source_service_name') ?? ''}/${lines.get('source_service_instance_id') ?? ''}`;
    return typeOf(message) === 'session_request' && source === move?.to;
  });
  const [line = ''] = /^reopened_by: .*$/m.exec(work.text('answers.yaml')) ?? [];
  change(work, 'answers.yaml', line, `reopened_by: ${asked?.exchange ?? ''}`);
}
