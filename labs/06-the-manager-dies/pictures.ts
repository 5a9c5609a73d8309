/**
 * The pictures of lab 6's chapter, from a real run of the solution (`npm run labs-proof -- --pictures 6`).
 *
 * Lives here: which messages are drawn.
 */
import { linesOf, typeOf } from '../runner/api.ts';
import type { Evidence, Pictures, TraceEntry, Work } from '../runner/api.ts';
import { absencesOf, refusalsOf, waitedOf } from './absence.ts';

export async function pictures(work: Work): Promise<Pictures> {
  const evidence = await work.evidence();
  const [waited] = absencesOf(evidence).flatMap((absence) => waitedOf(evidence, absence, 'file-plug'));
  const [refusal] = refusalsOf(evidence);
  const { agent = '', messages = [] } = refusal ?? {};
  const opened = waited?.messages.findIndex(
    ({ hop, message }) => hop === 'agent-Manager' && typeOf(message) === 'session_ack',
  );
  return {
    waited: { kind: 'messages', entries: waited?.messages.slice(0, (opened ?? -1) + 1) ?? [] },
    refused: { kind: 'messages', entries: around(evidence, agent, messages) },
  };
}

/** The registration of this agent before these messages, they, and the first one that another Manager answered. */
function around({ trace }: Evidence, agent: string, messages: readonly TraceEntry[]): TraceEntry[] {
  const own = trace.filter(
    ({ from, to, hop, message }) =>
      (from === agent || to === agent) && hop === 'agent-Manager' && typeOf(message).startsWith('initiation_'),
  );
  const epochOf = ({ message }: TraceEntry): number => Number(linesOf(message).get('x_epoch') ?? 0);
  const refused = epochOf(messages.at(-1) as TraceEntry);
  const begin = own.indexOf(messages[0] as TraceEntry);
  const accepted = own.findIndex((entry, at) => at > begin && epochOf(entry) > refused);
  return [...own.slice(begin - 2, begin), ...messages, ...own.slice(accepted - 1, accepted + 1)];
}
