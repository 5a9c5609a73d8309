/**
 * The pictures of lab 0's chapter, from a real run of the solution (`npm run labs-proof -- --pictures 0`).
 *
 * Lives here: which messages are drawn.
 */
import { linesOf, typeOf, withoutHealth } from '../runner/api.ts';
import type { Pictures, Work } from '../runner/api.ts';

export async function pictures(work: Work): Promise<Pictures> {
  const { trace } = await work.evidence();
  const all = withoutHealth(trace);
  const asked = all.findIndex(({ message }) => linesOf(message).get('source_plug_name') === 'post-plug');
  const acked = all.findLastIndex(({ exchange }) => exchange === all[asked]?.exchange);
  const died = all.findIndex(({ message }) => (linesOf(message).get('x_exit') ?? '').startsWith('signal'));
  const replaced = all.findIndex(({ message }, at) => at > died && typeOf(message) === 'execution_response');
  const said = all.findIndex(({ message }) => typeOf(message).endsWith('_session_close_info'));
  return {
    'your-post': { kind: 'messages', entries: all.slice(asked, acked + 1) },
    'after-the-crash': {
      kind: 'messages',
      entries: all.slice(said === -1 ? died : Math.min(said, died), replaced + 1),
    },
  };
}
