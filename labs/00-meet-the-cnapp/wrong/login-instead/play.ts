/** A wrong answer: the session of another plug. */
import { linesOf, typeOf } from '../../../runner/api.ts';
import type { Work } from '../../../runner/api.ts';

export async function answer(work: Work): Promise<void> {
  const { trace } = await work.evidence();
  const login = trace.find(
    ({ message }) => typeOf(message) === 'session_request' && linesOf(message).get('source_plug_name') === 'login-plug',
  );
  const text = work.text('answers.yaml').replace(/^opened_by: .*/m, `opened_by: "${login?.exchange ?? ''}"`);
  work.write('answers.yaml', text);
}
