/**
 * The pictures of lab 3's chapter: the load of step 2, on one instance of table (`npm run labs-proof -- --pictures 3`).
 *
 * Lives here: what is drawn. Not how it looks with more instances: that number is what a student looks for.
 */
import type { LoadReport, Pictures, Work } from '../runner/api.ts';

const RATE = 110;
const ASKED_S = 8;

export async function pictures(work: Work): Promise<Pictures> {
  const cluster = await work.up({ graph: work.path('graph.yaml'), repository: await work.services() });
  const words = ['--users', '16', '--mix', 'read=1', '--rate', String(RATE), '--seconds', String(ASKED_S)];
  const { timeline, seconds } = await cluster.load(...words);
  const line = (name: string, value: (at: LoadReport['timeline'][number]) => number) => ({
    name,
    points: timeline.map((second) => [second.second + 1, value(second)] as const),
  });
  const marks = [{ second: ASKED_S, name: 'nobody asks any more' }];
  const asked = [[0, RATE], [ASKED_S, RATE], [ASKED_S, 0], [seconds, 0]] as const; // prettier-ignore
  return {
    'a-queue-grows': {
      kind: 'plot',
      title: `How long an answer took, in ms: one instance of table, ${RATE} reads a second`,
      seconds,
      lines: [line('p50', ({ p50Ms }) => p50Ms), line('p95', ({ p95Ms }) => p95Ms)],
      marks,
    },
    'asked-and-answered': {
      kind: 'plot',
      title: 'Reads a second in the same run',
      seconds,
      lines: [{ name: 'asked', points: asked }, line('answered', ({ requests }) => requests)],
      marks,
    },
  };
}
