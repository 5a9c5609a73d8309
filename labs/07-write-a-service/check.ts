/**
 * Lab 7: likes under everything that can happen to it, counted.
 *
 * Lives here: the items. Does not live here: the cluster and the crowd (driver/).
 *
 * Theory. A like that was answered 200 took effect once. So a count is wrong in two ways: below the likes that were answered
 * (lost), or above the operations there were (twice). Items with a crowd look for the first, which has many causes; `twice-is-once`
 * looks for the second, at the moments at which it happens. These moments are made, not waited for: the store dies between its disk
 * and its answer when it is told to.
 */
import { defineChecks, expectEqual, expectThat } from '../runner/api.ts';
import type { Work } from '../runner/api.ts';
import { Bench } from './driver/bench.ts';
import type { Liked } from './driver/bench.ts';
import type { Answered, User } from './driver/user.ts';

const CROWD = 6;
const REPLICAS = 3;
/** How long a count may lag behind the answers in items that are not about that. */
const SETTLED_MS = 5_000;
/** So long nothing may be answered while the store holds a commit. */
const EARLY_MS = 1_000;

function expectStatus(what: string, { status, line }: Answered, expected: number): void {
  expectThat(status === expected, { expected: `${what}: status ${expected}`, came: line, page: 'docs/cnapp.md' });
}

async function expectCount(user: User, post: string, expected: number, remark: string): Promise<void> {
  expectEqual(`the count of ${post}`, await user.count(post), expected, { remark });
}

/** Nothing failed, and no like that was answered is missing. */
async function expectKept(work: Work, user: User, { byPost, failed }: Liked): Promise<void> {
  const [first = ''] = failed;
  expectThat(failed.length === 0, { expected: 'every like is answered 200 in the end', came: first });
  for (const [post, answered] of byPost) {
    let counted = await user.count(post);
    const isThere = async (): Promise<boolean> => {
      counted = await user.count(post);
      return counted >= answered;
    };
    const isKept = counted >= answered || (await work.until('', isThere, SETTLED_MS).catch(() => false));
    expectThat(isKept, {
      expected: `the count of ${post}: ${answered}, for so many likes were answered 200`,
      came: `${counted}`,
      remark: 'What was answered must be in the store, whoever wrote what in between.',
    });
  }
}

export const checks = defineChecks({
  async answers(work) {
    const bench = await Bench.of(work);
    const user = bench.user();
    const like = { post: 'first', user: 'alice', operationId: 'answers-1' };
    expectStatus('a like', await user.like(like), 200);
    await expectCount(user, 'first', 1, 'One like, counted.');
    expectStatus('a like by somebody else', await user.like({ ...like, user: 'bob' }), 200);
    await expectCount(user, 'first', 2, 'Two likes by two users.');
    await expectCount(user, 'nobody-likes-this', 0, 'A post without likes has none.');
    expectStatus('a like without Post', await user.once('like_request', ' ~ User: bob ~ Operation_id: answers-2'), 400);
    expectStatus('a count without Post', await user.once('count_request', ''), 400);
    expectStatus('a dislike_request', await user.once('dislike_request', ' ~ Post: first'), 400);
    await expectCount(user, 'first', 2, 'What cannot be read changes nothing.');
  },

  async 'twice-is-once'(work) {
    const bench = await Bench.of(work);
    const user = bench.user();
    const like = { post: 'twice', user: 'alice', operationId: 'operation-1' };
    expectStatus('a like', await user.like(like), 200);
    expectStatus('the same like again', await user.like(like), 200);
    await expectCount(user, 'twice', 1, 'The same operation, sent twice.');
    expectStatus('the same id by another user', await user.like({ ...like, user: 'bob' }), 200);
    await expectCount(user, 'twice', 2, 'An operation is (user, id): this is another one.');
    expectStatus('the same operation for another post', await user.like({ ...like, post: 'other' }), 409);
    await expectCount(user, 'other', 0, 'What is refused changes nothing.');
    await bench.kill('likes');
    expectStatus('the same like, after likes was killed', await user.like(like), 200);
    await expectCount(user, 'twice', 2, 'Another instance was asked the same operation again.');
    const isDone = bench.trick('die');
    const fatal = { post: 'fatal', user: 'alice', operationId: 'operation-2' };
    expectStatus('a like, while likes-db is killed between its disk and its answer', await user.like(fatal), 200);
    await work.until('the like is committed to likes-db', isDone);
    await expectCount(user, 'fatal', 1, 'likes-db had written, and was killed before it could answer.');
  },

  async 'many-replicas'(work) {
    const bench = await Bench.of(work);
    const liked = await bench.crowd('replicas', CROWD, ['shared-a', 'shared-b'], async (progress) => {
      await progress(1);
      await bench.scale(REPLICAS);
      await progress(10);
      await bench.scale(1);
      await progress(3);
    });
    await expectKept(work, bench.user(), liked);
  },

  async 'survives-moves'(work) {
    const bench = await Bench.of(work);
    const own = Array.from({ length: CROWD }, (_, at) => `moved-${at}`);
    const liked = await bench.crowd('moves', CROWD, own, async (progress) => {
      await progress(3);
      await bench.migrate();
      await progress(3);
    });
    await expectKept(work, bench.user(), liked);
  },

  async 'survives-crashes'(work) {
    const bench = await Bench.of(work);
    const own = Array.from({ length: CROWD }, (_, at) => `crash-${at}`);
    const liked = await bench.crowd('crashes', CROWD, own, async (progress) => {
      await progress(3);
      await bench.kill('likes');
      await progress(3);
      await bench.kill('likes-db');
      await progress(3);
    });
    const user = bench.user();
    await expectKept(work, user, liked);
    // The store holds a commit. Who has answered by now has promised what nobody keeps.
    const isHeld = bench.trick('hold');
    let early: Answered | null = null;
    const held = user.like({ post: 'held', user: 'alice', operationId: 'operation-3' }).then((answered) => {
      early = answered;
      return answered;
    });
    await work.until('likes asks likes-db for a commit', isHeld);
    await work.until('', () => early !== null, EARLY_MS).catch(() => null); // nobody who does it right answers now
    const came = early as Answered | null;
    await bench.kill('likes');
    await bench.kill('likes-db');
    expectStatus('a like, while likes and likes-db are killed', await held, 200);
    const counted = await user.count('held');
    expectThat(came === null && counted === 1, {
      expected: 'a like is answered when likes-db has answered, and counted once',
      came: `${came === null ? 'answered in time' : 'answered before likes-db had written'}, the count is ${counted}`,
      remark: 'Both were killed while likes-db held the commit.',
    });
  },
});
