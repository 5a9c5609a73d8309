/**
 * The pictures of lab 7's chapter (`npm run labs-proof -- --pictures 7`): where likes stands, and what the starter does when it is
 * killed.
 *
 * Lives here: what is drawn. The two names that a student has to find, and anything that the solution does, are in neither.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pictures, Work } from '../runner/api.ts';
import { Bench } from './driver/bench.ts';

const POST = 'hello';
/** Likes before the kill, and after it. */
const LIKES = 12;
const EACH_MS = 250;
/** Without the two names that a student finds and chooses. */
const BETWEEN = `\
  likes: {kind: service, replicas: {min: 0, max: 5}}
edges:
  - [likes-gateway, [likes-plug, socket-in-likes-ts], likes]
  - [likes, [plug-of-your-choice, store-socket], likes-db]`;

export async function pictures(work: Work): Promise<Pictures> {
  const starter = (file: string): string => readFileSync(join(work.places.labs, work.lab, 'starter', file), 'utf8');
  work.write('likes.ts', starter('likes.ts'));
  return {
    'between-two': { kind: 'graph', text: starter('graph.yaml').replace(/^edges: .*$/m, BETWEEN) },
    'forgotten-likes': await forgotten(work),
  };
}

/** One user likes a post again and again and asks for the count each time; in the middle the only instance is killed. */
async function forgotten(work: Work): Promise<Pictures[string]> {
  const bench = await Bench.of(work);
  const user = bench.user();
  await user.count(POST); // starts it
  const begin = performance.now();
  const seconds = (): number => (performance.now() - begin) / 1000;
  const [answered, counted]: [[number, number][], [number, number][]] = [[], []];
  let [likes, killed] = [0, 0];
  for (let at = 0; at < 2 * LIKES; at += 1) {
    await work.until('the next one', () => seconds() * 1000 >= at * EACH_MS);
    if (at === LIKES) {
      killed = seconds();
      await bench.kill('likes');
    }
    const { status } = await user.like({ post: POST, user: 'alice', operationId: `operation-${at}` });
    if (status === 200) likes += 1;
    answered.push([seconds(), likes]);
    counted.push([seconds(), await user.count(POST)]);
  }
  return {
    kind: 'plot',
    title: 'Likes of one post: the first attempt',
    seconds: seconds(),
    lines: [
      { name: 'answered 200', points: answered, isStep: true },
      { name: 'the count says', points: counted, isStep: true },
    ],
    marks: [{ second: killed, name: 'likes is killed' }],
  };
}
