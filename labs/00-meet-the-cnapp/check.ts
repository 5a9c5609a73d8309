/**
 * The check of lab 0: do the answers agree with the journal and the trace of the student's own cluster?
 *
 * Lives here: the three items, and what the trace says about a post and about a crash. Nothing is taken from a text that
 * looks right: each answer is looked up in what happened.
 */
import { z } from 'zod';
import { defineChecks, expectThat, linesOf, typeOf, withoutHealth } from '../runner/api.ts';
import type { Evidence, TraceEntry, Work } from '../runner/api.ts';

const word = z.string({ error: 'a text in quotes' });
const answersShape = z.object({
  my_post: word,
  opened_by: word,
  served_by: word,
  stored_by: word,
  killed: word,
  told_by: word,
  replaced_by: word,
});

export const checks = defineChecks({
  'be-a-user': async (work) => {
    const evidence = await work.evidence();
    const { my_post: text } = answersOf(work);
    expectThat(text.trim() !== '', {
      expected: 'my_post in answers.yaml: the text of your post',
      came: 'an empty text',
    });
    // a store writes JSON, in ASCII or not: what stands between the quotes
    const inStore = evidence.stored('posts-db');
    expectThat(inStore.includes(JSON.stringify(text).slice(1, -1)), {
      expected: `a post '${text}' in .ssmmp/baas/posts-db`,
      came: inStore === '' ? 'an empty store' : 'other posts only',
    });
  },

  'find-your-post': async (work) => {
    const { trace } = await work.evidence();
    const { opened_by: exchange, served_by: served, stored_by: stored } = answersOf(work);
    const messages = trace.filter((entry) => entry.exchange === exchange);
    const request = messages.find(({ message }) => typeOf(message) === 'session_request');
    expectThat(request !== undefined, {
      expected: 'opened_by: an exchange of your trace that a session_request began, such as 1/1002',
      came:
        exchange === ''
          ? 'an empty text'
          : `'${exchange}', with ${messages.map(({ message }) => typeOf(message)).join(', ') || 'no message'}`,
    });
    const asked = linesOf(request.message);
    expectThat(asked.get('source_plug_name') === 'post-plug', {
      expected: `opened_by: the session_request of the gateway's post-plug`,
      came: `'${exchange}' is a session_request of the plug ${asked.get('source_plug_name') ?? '-'}`,
      remark: 'Each verb of a user has a plug of its own at the gateway: `npx ssmmp graph` shows them.',
    });
    const dest = destOf(messages);
    expectThat(served === dest, {
      expected: `served_by: the destination that the session_response of ${exchange} names`,
      came: `'${served}'`,
      remark: 'The source asks, the destination serves: look for dest_service_name and dest_service_instance_id.',
    });
    const stores = storesOf(trace, dest);
    expectThat(stores.includes(stored), {
      expected: `stored_by: the destination of a session that ${dest} opened from its posts-plug`,
      came: `'${stored}'`,
    });
    // once, not for each message: the trace of a lesson has tens of thousands
    const shown = new Set([exchange, ...exchangesOf(trace, dest)]);
    work.show(
      'How your post got its sessions',
      trace.filter((entry) => shown.has(entry.exchange)),
    );
  },

  'break-it': async (work) => {
    const evidence = await work.evidence();
    const { killed, told_by: told, replaced_by: replacement } = answersOf(work);
    const deaths = crashesOf(evidence);
    expectThat(deaths.length > 0, {
      expected: 'the crash of an instance in your trace: a message with x_exit: signal …',
      came: 'every instance ended because it was asked to',
      remark: '`npx ssmmp stop` asks an instance politely; `npx ssmmp kill instance …` does not ask.',
    });
    const death = deaths.find(({ instance }) => instance === killed);
    expectThat(death !== undefined, {
      expected: `killed: an instance that a signal ended in your trace`,
      came: `'${killed}'`,
    });
    expectThat(told === typeOf(death.entry.message), {
      expected: `told_by: the type of the message by which the Manager heard that ${killed} had ended`,
      came: `'${told}'`,
      remark: 'A process that was killed cannot say so itself. Who was its parent?',
    });
    const next = replacementsOf(evidence.trace, death.entry, killed.split('/')[0] ?? '');
    expectThat(next.includes(replacement), {
      expected: `replaced_by: the instance of an execution_request for ${killed.split('/')[0] ?? ''} after the crash`,
      came: `'${replacement}'`,
    });
    const after = withoutHealth(evidence.trace).filter(({ time }) => time >= death.entry.time);
    work.show('After the crash', after.slice(0, SHOWN_AFTER));
  },
});

/** Messages after the crash that are drawn. */
const SHOWN_AFTER = 12;

function answersOf(work: Work): z.infer<typeof answersShape> {
  return work.yaml('answers.yaml', answersShape);
}

/** `post/7`: the destination that the response of an exchange names. */
function destOf(messages: readonly TraceEntry[]): string {
  for (const { message } of messages) {
    if (typeOf(message) !== 'session_response') continue;
    const lines = linesOf(message);
    return `${lines.get('dest_service_name') ?? ''}/${lines.get('dest_service_instance_id') ?? ''}`;
  }
  return '';
}

/** The exchanges by which an instance of post got sessions to its store. */
function exchangesOf(trace: readonly TraceEntry[], source: string): string[] {
  const requests = trace.filter(({ message }) => {
    const lines = linesOf(message);
    const asker = `${lines.get('source_service_name') ?? ''}/${lines.get('source_service_instance_id') ?? ''}`;
    return typeOf(message) === 'session_request' && asker === source && lines.get('source_plug_name') === 'posts-plug';
  });
  return [...new Set(requests.map(({ exchange }) => exchange))];
}

function storesOf(trace: readonly TraceEntry[], source: string): string[] {
  return exchangesOf(trace, source).map((exchange) => destOf(trace.filter((entry) => entry.exchange === exchange)));
}

/** Instances that a signal ended, with the message that told the Manager. */
function crashesOf({ trace }: Evidence): { instance: string; entry: TraceEntry }[] {
  return trace.flatMap((entry) => {
    const lines = linesOf(entry.message);
    if (entry.to !== 'Manager' || !(lines.get('x_exit') ?? '').startsWith('signal')) return [];
    return [{ instance: `${lines.get('service_name') ?? ''}/${lines.get('service_instance_id') ?? ''}`, entry }];
  });
}

/** Instances of a service that the Manager had executed after a crash. */
function replacementsOf(trace: readonly TraceEntry[], death: TraceEntry, service: string): string[] {
  return trace
    .filter(({ time, message }) => time >= death.time && typeOf(message) === 'execution_request')
    .map(({ message }) => linesOf(message))
    .filter((lines) => lines.get('service_name') === service)
    .map((lines) => `${service}/${lines.get('service_instance_id') ?? ''}`);
}
