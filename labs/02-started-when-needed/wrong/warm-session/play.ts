/** A wrong answer: the session of a service that ran already. */
import { linesOf, typeOf } from '../../../runner/api.ts';
import type { Work } from '../../../runner/api.ts';

export async function answer(work: Work): Promise<void> {
  const { trace } = await work.evidence();
  const warm = trace.find(
    ({ message }) => typeOf(message) === 'session_request' && linesOf(message).get('source_plug_name') === 'login-plug',
  );
  const text = work.text('measurements.yaml').replace(/^exchange: .*/m, `exchange: "${warm?.exchange ?? ''}"`);
  work.write('measurements.yaml', text);
}
