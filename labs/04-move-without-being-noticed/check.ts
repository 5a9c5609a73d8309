/**
 * The check of lab 4: an upload that the student moved, and the student's service, which is moved and killed in the middle of uploads.
 *
 * Lives here: the items. Does not live here: instances without a mesh (driver/scenarios.ts), the cluster (driver/bench.ts), what a
 * log and events say together (chunks.ts).
 */
import { join, relative } from 'node:path';
import { z } from 'zod';
import { defineChecks, expectThat, Unmet } from '../runner/api.ts';
import type { UnmetText, Work } from '../runner/api.ts';
import { bringersOf, movedAwayOf, movesOf } from './chunks.ts';
import { Bench } from './driver/bench.ts';
import type { Uploaded } from './driver/bench.ts';

/** Readings of a time may be apart by so much: two events stand close together. */
const APART_MS = 20;
const SCENARIO_MS = 20_000;

const word = z.string({ error: 'a text in quotes' });
const answersShape = z.object({
  moved_from: word,
  moved_to: word,
  closed_by: word,
  reopened_by: word,
  drained_ms: z.number(),
  went_on_at: z.number(),
});

/** Where in an upload of CHUNKS something happens. Between two places lie more chunks than are ever under way at once. */
const [EARLY, LATE] = [10, 60];

/** A check of an instant: the student's file-transfer without a mesh. */
function scenario(name: string): (work: Work) => Promise<void> {
  return async (work) => {
    const [program, driver] = await work.once('alone', async (all) => {
      const ours = relative(all.folder, join(all.places.labs, all.lab, 'driver', 'alone.ts'));
      return [await all.bundle('mine/file-transfer.ts'), await all.bundle(ours)] as const;
    });
    const ran = await work.judged<UnmetText | null>(driver, [program, name, work.scratch(name)], SCENARIO_MS);
    const [wrong] = ran.told;
    if (ran.code !== 0 || wrong === undefined) {
      const said = ran.err.trim().slice(0, 2_000) || 'it ended before it had answered';
      const came = ran.isLate ? `nothing in ${SCENARIO_MS / 1000} s` : said;
      throw new Unmet({ expected: 'mine/file-transfer.ts answers every request', came });
    }
    if (wrong !== null) throw new Unmet(wrong);
  };
}

/** Every byte was stored once, in one go. */
function expectOnce({ chunks, bytes }: Uploaded): void {
  const taken = chunks.filter((chunk) => chunk.taken);
  const begun = taken.filter(({ offset }) => offset === 0).length;
  const stored = taken.reduce((all, each) => all + each.bytes, 0);
  expectThat(begun === 1 && stored === bytes, {
    expected: `${bytes} bytes are stored, from 0 on once`,
    came: `${stored} bytes were stored, from 0 on ${begun} times`,
    remark: 'The upload began anew, or a chunk was stored twice. A user with a slow line never gets to the end so.',
  });
}

/** As many instances as there should be brought a part, one after the other, and nothing was sent to the store again. */
function expectUnnoticed(uploaded: Uploaded, instances: number): void {
  expectOnce(uploaded);
  const refused = uploaded.chunks.filter(({ taken }) => !taken);
  expectThat(refused.length === 0, {
    expected: 'who is moved politely answers what is under way, so every chunk goes to the store once',
    came: `${refused.length} chunks were sent to it again, the first of them at ${refused[0]?.by ?? ''}`,
    remark:
      'The next instance is started before the one before it has ended. When did yours learn where the upload stands?',
  });
  const by = bringersOf(uploaded.chunks);
  expectThat(by.length === instances, {
    expected: `${instances} instances of file-transfer bring a part of the upload`,
    came: by.join(', ') || 'none did',
  });
}

export const checks = defineChecks({
  async 'built-in'(work) {
    const evidence = await work.evidence();
    const answers = work.yaml('answers.yaml', answersShape);
    const moves = movesOf(evidence);
    expectThat(moves.length > 0, {
      expected: 'a migration of file-transfer in your cluster, with chunks of one upload before it and after it',
      came: `migrations of file-transfer: ${movedAwayOf(evidence).length}, in the middle of an upload: 0`,
      remark: 'The upload takes some seconds; `ssmmp migrate` must come in between.',
    });
    const move = moves.find(({ from }) => from === answers.moved_from);
    expectThat(move !== undefined, {
      expected: 'moved_from: the instance that had an upload when it was moved away',
      came: `'${answers.moved_from}'`,
    });
    work.show(`From ${move.from} to ${move.to}`, move.messages);
    const words = [
      ['moved_to', 'the instance that brought the next chunk of that upload', answers.moved_to, move.to],
      ['closed_by', "the exchange of the request to close the gateway's session", answers.closed_by, move.closedBy],
      [
        'reopened_by',
        'the exchange by which the gateway was given the new instance',
        answers.reopened_by,
        move.reopenedBy,
      ],
    ] as const;
    for (const [name, what, came, right] of words)
      expectThat(came === right, { expected: `${name}: ${what}`, came: `'${came}'` });
    expectThat(answers.went_on_at === move.wentOnAt, {
      expected: 'went_on_at: the offset of the first chunk that came from the new instance',
      came: `${answers.went_on_at}`,
      remark:
        'Each line of .ssmmp/baas/file-store/chunks.jsonl says from where it came; an event says whose session that was.',
    });
    expectThat(Math.abs(answers.drained_ms - move.drainedMs) <= APART_MS, {
      expected: "drained_ms: milliseconds from 'closing' to 'closed' of the gateway's session to the old instance",
      came: `${answers.drained_ms}`,
    });
  },

  alone: scenario('alone'),
  'goes-on': scenario('goes-on'),
  'twice-is-once': scenario('twice-is-once'),
  'keeps-its-word': scenario('keeps-its-word'),

  async moved(work) {
    const bench = await Bench.of(work);
    for (const at of [[EARLY], [EARLY, LATE]]) expectUnnoticed(await bench.uploadMoved(at), at.length + 1);
  },

  async killed(work) {
    const bench = await Bench.of(work);
    const uploaded = await bench.upload('killed.bin', async ({ trick }) => {
      await trick('hold-after', EARLY);
      await bench.kill();
      await trick('die-after', LATE);
    });
    expectOnce(uploaded);
  },
});
