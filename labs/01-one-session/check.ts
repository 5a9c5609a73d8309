/**
 * The check of lab 1: are the predicted messages those that the trace shows?
 *
 * Lives here: the items, and comparing. Does not live here: finding sessions in a trace (sessions.ts).
 */
import { z } from 'zod';
import { defineChecks, expectThat, linesOf, typeOf, Unmet, withoutHealth } from '../runner/api.ts';
import type { Evidence, LabCluster, TraceEntry, Work } from '../runner/api.ts';
import { inRoles, sessionsOf } from './sessions.ts';
import type { Ending, SeenSession } from './sessions.ts';

const LINE = /^(source|dest|agent|Manager)\s*->\s*(source|dest|agent|Manager)\s+([a-z_]+)$/;
const list = z.array(z.string().regex(LINE, { error: 'a line such as: source -> agent session_request' }), {
  error: 'a list of lines such as: source -> agent session_request',
});
const shape = z.object({
  open: list,
  'dest-killed': list,
  'source-killed': list,
  'manager-closes': list,
  'nobody-there': list,
});
/** Request, response and ack, two hops each. */
const HOPS = 6;
/** Agents write their traces a moment later; a busy machine makes it a long one. */
const EVIDENCE_MS = 30_000;

type Part = keyof z.infer<typeof shape>;

/** What each verb of a user needs, and the plug of the gateway to it. `post` is the one that the chapter looks at. */
const VERBS: readonly { readonly plug: string; readonly words: readonly string[] }[] = [
  { plug: 'table-plug', words: ['last-posts'] },
  { plug: 'file-plug', words: ['list-files'] },
  { plug: 'post-plug', words: ['send-post', 'a post of the check'] },
];

export const checks = defineChecks({
  open: async (work) => {
    const seen = sessionsOf(await work.evidence(), 'posts-plug')[0];
    if (seen === undefined) throw nothing('a session from post to posts-db', 'Send a post first (step 2).');
    work.show('A session is opened', seen.opening);
    const happened = seen.opening.map((entry) => inRoles(entry, seen.source, seen.dest));
    compareOrdered(predicted(work, 'open'), happened, `Compare with npx ssmmp trace --session ${seen.key}`);
  },
  'dest-killed': (work) => closes(work, 'dest-killed', 'post, then kill the instance of posts-db within 30 s (step 3)'),
  'source-killed': (work) => closes(work, 'source-killed', 'post, then kill the instance of post within 30 s (step 4)'),
  'manager-closes': (work) =>
    closes(work, 'manager-closes', 'post, then stop the instance of post within 30 s (step 5)'),

  'nobody-there': async (work) => {
    const lines = predicted(work, 'nobody-there');
    const cluster = await work.up({ nodes: 2 });
    await cluster.enter('alice');
    const { plug, seen, evidence } = await nobodyThere(work, cluster);
    const started = executionOf(evidence, seen);
    const whole = withoutHealth(evidence.trace).filter(
      ({ exchange }) => exchange === started?.exchange || exchange === seen.opening[0]?.exchange,
    );
    work.show(`A session of ${plug}, when nobody is there`, whole);
    compareOrdered(
      lines,
      whole.map((entry) => inRoles(entry, seen.source, seen.dest)),
      `The check looked at a session of ${plug}; the report shows it.`,
    );
  },
});

/**
 * A first session to a service that does not run. On a machine so busy that the Manager gives up waiting for the new instance, the
 * gateway asks again, and the instance is there by then: another story, so another service is asked for.
 */
async function nobodyThere(
  work: Work,
  cluster: LabCluster,
): Promise<{ plug: string; seen: SeenSession; evidence: Evidence }> {
  const first = work.chance.below(VERBS.length);
  for (const { plug, words } of [...VERBS.slice(first), ...VERBS.slice(0, first)]) {
    if ((await cluster.cnapp('alice', words)).code !== 0) continue;
    const { seen, evidence } = await cluster.evidenceOf(
      'a session on all its hops',
      (found) => {
        const seen = sessionsOf(found, plug).find(({ opening }) => opening.length >= HOPS);
        return seen === undefined ? null : { seen, evidence: found };
      },
      EVIDENCE_MS,
    );
    const began = evidence.trace.indexOf(seen.opening[0] as TraceEntry);
    if (evidence.trace.indexOf(executionOf(evidence, seen) as TraceEntry) > began) return { plug, seen, evidence };
  }
  throw new Error('no service was started and its session granted in one go; this machine is too busy for the check');
}

/** The request by which the destination of a session was executed. */
function executionOf({ trace }: Evidence, { dest }: SeenSession): TraceEntry | undefined {
  return trace.find(({ message }) => {
    const lines = linesOf(message);
    return (
      typeOf(message) === 'execution_request' &&
      `${lines.get('service_name')}/${lines.get('service_instance_id')}` === dest
    );
  });
}

async function closes(work: Work, ending: Ending, how: string): Promise<void> {
  const lines = predicted(work, ending);
  const sessions = sessionsOf(await work.evidence(), 'posts-plug').filter((session) => session.ending === ending);
  if (sessions.length === 0) throw nothing('a session from post to posts-db that ended so', `To get one: ${how}.`);
  const title = {
    'dest-killed': 'The destination is killed',
    'source-killed': 'The source is killed',
    'manager-closes': 'The Manager closes',
  }[ending];
  work.show(title, sessions[0]?.closing ?? []);
  const failures = sessions.map(({ key, closing, source, dest }) =>
    difference(
      lines,
      closing.map((entry) => inRoles(entry, source, dest)),
      `npx ssmmp trace --session ${key}`,
    ),
  );
  const [first] = failures;
  if (first !== undefined && !failures.includes(null)) throw first ?? new Error('no difference');
}

function predicted(work: Work, part: Part): string[] {
  const lines = work.yaml('prediction.yaml', shape)[part].map((line) => line.replace(LINE, '$1 -> $2 $3'));
  expectThat(lines.length > 0, {
    expected: `${part} in prediction.yaml: the messages, one a line`,
    came: 'an empty list',
  });
  return lines;
}

function nothing(what: string, remark: string): Unmet {
  return new Unmet({ expected: `${what}, in your trace`, came: 'none', remark });
}

/**
 * Null where the prediction is what happened. Several parties speak at once when a session is closed, so the order counts
 * only among messages of one type.
 */
function difference(lines: readonly string[], happened: readonly string[], where: string): Unmet | null {
  const type = (line: string): string => line.split(' ').at(-1) ?? '';
  for (const each of new Set([...happened, ...lines].map(type))) {
    const [ours, theirs] = [happened, lines].map((all) => all.filter((line) => type(line) === each)) as [
      string[],
      string[],
    ];
    const at = theirs.findIndex((line, index) => line !== ours[index]);
    if (at === -1 && ours.length === theirs.length) continue;
    return new Unmet({
      expected: `${happened.length} messages, as your trace shows them`,
      came: `${lines.length} messages; ${at === -1 ? 'at least one is missing' : `this one was not sent, or not then:\n${theirs[at] ?? ''}`}`,
      remark: `Compare with ${where}`,
    });
  }
  return null;
}

/** One exchange: every message has its place. Says how far a prediction is right, and not how it goes on. */
function compareOrdered(lines: readonly string[], happened: readonly string[], remark: string): void {
  const at = happened.findIndex((line, index) => line !== lines[index]);
  if (at === -1 && lines.length === happened.length) return;
  const right = at === -1 ? happened.length : at;
  const start = right === 0 ? '' : `; the first ${right} as you say:\n${happened.slice(0, right).join('\n')}`;
  throw new Unmet({
    expected: `${happened.length} messages${start}\nthen ${at === -1 ? 'no more' : 'another one than yours'}`,
    came: `${lines.length} messages; this one is not what happened:\n${lines[right] ?? '(the list ends)'}`,
    remark,
  });
}
