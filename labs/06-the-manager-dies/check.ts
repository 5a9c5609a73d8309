/**
 * The check of lab 6: what went on while the Manager was away, who obeyed an old one, what a journal says that was torn at the
 * student's byte, and whether the student's own function says the same of any segment.
 *
 * Lives here: the items. Does not live here: reading answers (answers.ts), finding what happened (absence.ts), damaging copies
 * (tears.ts), the segments that `recover` is tried on (driver/try-recover.ts).
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineChecks, expectThat, Unmet } from '../runner/api.ts';
import type { Evidence, LabEvent, Work } from '../runner/api.ts';
import { absencesOf, isWithin, postsOf, refusalsOf, waitedOf } from './absence.ts';
import type { Absence } from './absence.ts';
import { answersOf, expectFound, expectWord } from './answers.ts';
import type { Tried } from './driver/try-recover.ts';
import { ASIDE, copyOf, eventsOf, historyOf, newestSegment, recordsIn } from './journals.ts';
import { checkFlip, checkTear } from './tears.ts';

/** A shorter absence is over before anything can be typed. */
const ABSENCE_MS_MIN = 2_000;
/** Two readings of one message differ by so much. */
const TOLERANCE_MS = 30;
const WORDS = ['goes on', 'waits', 'refused'];
const TRY_MS = 20_000;

export const checks = defineChecks({
  away: async (work) => {
    const answers = answersOf(work);
    const { predict, away } = answers;
    const evidence = await historyOf(work);
    const absence = expectAbsence(evidence, away.back);

    const storedAt = postsOf(evidence).get(away.post);
    expectThat(storedAt !== undefined && isWithin(absence, storedAt), {
      expected: 'away.post: the number of a post that the store took while the Manager was away',
      came: storedAt === undefined ? `${away.post}, which is not in the store` : `${away.post}, stored at another time`,
      remark: 'A session that carried nothing for 30 s is closed, and then a post needs a new one: post once before.',
    });
    expectWord('predict.post', predict.post, WORDS, 'goes on', 'Through which processes does a post pass?');

    const waited = waitedOf(evidence, absence, 'file-plug').find(({ exchange }) => exchange === away.file);
    if (waited === undefined)
      throw new Unmet({
        expected: 'away.file: a session_request of file-plug from the time of the absence, answered with 200 after it',
        came: away.file === '' ? 'an empty text' : `'${away.file}'`,
        remark: 'Send a file that is the first of all, and let the Manager come back before the client gives up.',
      });
    work.show('A session that waited for the Manager', waited.messages);
    expectThat(Math.abs(away.file_waited_ms - waited.waitedMs) <= TOLERANCE_MS, {
      expected: `away.file_waited_ms: from the request of the gateway to its response, to ${TOLERANCE_MS} ms`,
      came: `${away.file_waited_ms}`,
    });
    expectWord('predict.first_file', predict.first_file, WORDS, 'waits', 'Who could give the gateway its session?');

    const life = lifeAfter(evidence, absence);
    const noticed = life.find(({ text }) =>
      text.startsWith(`${away.died} unknown → off: its agent came back without it`),
    );
    expectThat(noticed !== undefined, {
      expected: 'away.died: an instance that died while the Manager was away, which it then found missing',
      came: away.died === '' ? 'an empty text' : `'${away.died}'`,
    });
    expectFound(
      'away.noticed',
      away.noticed,
      noticed.seq,
      `the event by which the Manager knew that ${away.died} was gone`,
    );
    const [service = ''] = away.died.split('/');
    const isReplaced = life.some(
      ({ seq, text }) => seq > noticed.seq && text.startsWith(`${service}/`) && text.endsWith('starting → on'),
    );
    expectThat(isReplaced, { expected: `another ${service} in its place, after that`, came: 'none was started' });
    expectWord('predict.crash', predict.crash, WORDS, 'waits', 'Who decides that another one is started?');

    const scaled = evidence.events.find(({ seq }) => seq === away.scaled);
    expectThat(scaled !== undefined && scaled.seq > absence.back.seq && scaled.text.startsWith('operator scales'), {
      expected: 'away.scaled: the event by which an operator scales a service, after the Manager was back',
      came: scaled === undefined ? `${away.scaled}, which is no event` : `${away.scaled}: ${scaled.text}`,
    });
    expectWord(
      'predict.scale',
      predict.scale,
      WORDS,
      'refused',
      'What was the exit code, and was the command remembered?',
    );
  },

  'split-brain': async (work) => {
    const { split } = answersOf(work);
    const evidence = await historyOf(work);
    const refusals = refusalsOf(evidence);
    expectThat(refusals.length > 0, {
      expected: 'in the traces of your agents an initiation_response of a Manager whose epoch is over',
      came: 'every Manager that answered had the highest epoch of all',
      remark:
        'Every start counts one up, that of the copy too. The copy must be from before two starts of the real Manager.',
    });
    const refusal = refusals.find(({ exchange }) => exchange === split.exchange);
    if (refusal === undefined)
      throw new Unmet({
        expected: 'split.exchange: the exchange of an initiation_request that the old Manager answered',
        came: split.exchange === '' ? 'an empty text' : `'${split.exchange}', which another Manager answered`,
      });
    work.show('An old Manager answers', refusal.messages);
    expectFound('split.status', split.status, refusal.status, 'the status of the initiation_response');
    expectFound('split.old_epoch', split.old_epoch, refusal.epoch, 'the x_epoch in that initiation_response');
    expectFound(
      'split.seen_epoch',
      split.seen_epoch,
      refusal.seenEpoch,
      'the highest x_epoch that the agent had been told before',
    );
    expectWord(
      'split.refused_by',
      split.refused_by,
      ['agent', 'manager'],
      'agent',
      'Who closed that connection, and who had said 200?',
    );
    await expectSpared(work, evidence, split.spared, refusal.at);
  },

  tear: async (work) => {
    const { tear, flip } = answersOf(work);
    await work.evidence();
    const copy = copyOf(work);
    await checkTear(work, copy, tear);
    checkFlip(work, copy, flip);
  },

  mirror: async (work) => {
    const { tear, mirror } = answersOf(work);
    const evidence = await historyOf(work);
    const copy = copyOf(work);
    const restored = absencesOf(evidence).find((absence) => absence.restored !== null);
    expectThat(restored !== undefined, {
      expected: 'a start of your cluster that took its state from the mirror',
      came: 'every start took it from the journal',
      remark: 'Stop the cluster, put the torn segment in the place of the one in .ssmmp/journal, start it again.',
    });
    const torn = copy.bytes.subarray(0, tear.at);
    const aside = readdirSync(evidence.stateDir).filter((name) => name.startsWith(ASIDE));
    const kept = aside.find((name) => newestSegment(join(evidence.stateDir, name))?.bytes.equals(torn) === true);
    expectThat(kept !== undefined, {
      expected: `a journal that was put aside and ends before byte ${tear.at}, your tear.at`,
      came: aside.length === 0 ? 'none was put aside' : `${aside.join(', ')}, which end elsewhere`,
    });
    expectFound('mirror.kept_in', mirror.kept_in, kept, 'the folder in .ssmmp in which the torn journal is kept');
    expectFound(
      'mirror.last_record',
      mirror.last_record,
      restored.record - 1,
      'the record in front of the one by which the Manager started',
    );
    const known = ['prefix', 'everything'];
    expectWord(
      'mirror.comes_back',
      mirror.comes_back,
      known,
      'everything',
      'Compare the last record that was known with tear.last_record.',
    );
    const first = evidence.events.find(({ seq, data }) => seq > restored.back.seq && data['status'] === 'starting');
    expectFound(
      'mirror.first_id',
      mirror.first_id,
      Number(first?.data['service_instance_id'] ?? 0),
      'the id of the first instance that was started then',
    );
  },

  recover: async (work) => {
    void work.seed; // the verdict names it
    const student = await work.bundle('recover.ts');
    const driver = await work.bundle(
      relative(work.folder, join(work.places.labs, work.lab, 'driver', 'try-recover.ts')),
    );
    const ran = await work.judged<Tried>(driver, [student], TRY_MS);
    const [tried] = ran.told;
    if (ran.code !== 0 || tried === undefined) {
      const said = ran.err.trim().slice(0, 2_000) || 'it ended before it was asked';
      const came = ran.isLate ? `nothing in ${TRY_MS / 1000} s` : said;
      throw new Unmet({ expected: 'a function `recover` that answers any bytes', came });
    }
    const { problem } = tried;
    if (problem === null) return;
    const { what, expected, came, segment } = problem;
    const file = join(work.scratch('recover'), 'segment.jsonl');
    writeFileSync(file, segment, 'latin1');
    throw new Unmet({
      expected,
      came,
      remark: `The segment: ${what}. Its bytes are in ${relative(process.cwd(), file)}`,
    });
  },
});

/** The absence that the student means. */
function expectAbsence(evidence: Evidence, back: number): Absence {
  const absence = absencesOf(evidence).find((each) => each.back.seq === back);
  if (absence === undefined)
    throw new Unmet({
      expected: 'away.back: the event by which a Manager says that it has started, after another one had gone',
      came: `${back}`,
    });
  const awayMs = absence.back.at - absence.fromAt;
  expectThat(awayMs >= ABSENCE_MS_MIN, {
    expected: `away.back: the end of an absence of at least ${ABSENCE_MS_MIN / 1000} s`,
    came: `${back}, before which the Manager was away for ${awayMs} ms`,
    remark: 'Who starts it again so quickly? Stop that one first.',
  });
  return absence;
}

/** What the Manager of this start did, until the next start. */
function lifeAfter({ events }: Evidence, { back }: Absence): LabEvent[] {
  const next = events.find(({ seq, what, data }) => seq > back.seq && what === 'manager' && 'epoch' in data);
  return events.filter(({ seq }) => seq > back.seq && (next === undefined || seq < next.seq));
}

/** The old Manager wanted this instance killed, and the real one took it back alive. */
async function expectSpared(work: Work, evidence: Evidence, spared: string, at: number): Promise<void> {
  const id = Number(spared.split('/')[1] ?? 0);
  const ordered = eventsOf(await recordsIn(work.path(join('old', 'journal'))));
  expectThat(
    ordered.some(
      ({ text, data }) =>
        data['service_instance_id'] === id && text.endsWith('which the Manager does not know: it is killed'),
    ),
    {
      expected: 'split.spared: an instance that the old Manager did not know and wanted killed, by its journal in old/',
      came: spared === '' ? 'an empty text' : `'${spared}'`,
      remark: 'What old.log says of ids, `npx ssmmp get instances` says with names.',
    },
  );
  const isAlive = evidence.events.some(
    (event) => event.at > at && event.text === `${spared} unknown → on: its agent is back`,
  );
  expectThat(isAlive, {
    expected: 'split.spared: an instance, with its name, that the real Manager took back when it had returned',
    came: `'${spared}'`,
  });
}
