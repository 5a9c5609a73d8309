/**
 * A journal that ends before the student's byte, and one with a bit flipped in another: for lab 6.
 *
 * Lives here: damaging the copy again and comparing. Does not live here: whose copy it is (journals.ts).
 */
import { join } from 'node:path';
import { expectThat } from '../runner/api.ts';
import type { Work } from '../runner/api.ts';
import { expectFound, expectWord } from './answers.ts';
import type { Answers } from './answers.ts';
import { expectBehindRecord, lineAround, linesBefore, started } from './journals.ts';
import type { Segment } from './journals.ts';

const VERDICTS = ['prefix', 'refused'];

/** What a start makes of a journal that ends before `tear.at`, as the student says. */
export async function checkTear(work: Work, copy: Segment, tear: Answers['tear']): Promise<void> {
  expectBehindRecord(copy, 'tear.at', tear.at);
  const folder = work.scratch('torn');
  const found = started(folder, copy, copy.bytes.subarray(0, tear.at));
  expectThat(found.ok, {
    expected: 'a copy in before/ that is sound up to tear.at',
    came: found.ok ? '' : found.problem,
  });
  const why = 'Was anybody told of the record that is cut off?';
  expectWord('tear.verdict', tear.verdict, VERDICTS, 'prefix', why);
  const last = found.nextRecord - 1;
  expectFound(
    'tear.last_record',
    tear.last_record,
    last,
    'the last record that is left when the journal ends before your byte',
  );
  const shown = await work.node(join(work.places.dist, 'ssmmp.js'), [
    'journal',
    'show',
    '--at',
    String(last),
    folder,
    '-o',
    'json',
  ]);
  if (shown.code !== 0) throw new Error(`journal show --at ${last} ended with ${shown.code}: ${shown.err}`);
  const { instances } = JSON.parse(shown.out) as { instances: { status: string }[] };
  const on = instances.filter(({ status }) => status === 'on').length;
  expectFound(
    'tear.instances',
    tear.instances,
    on,
    'how many instances are on, as the Manager knows just after that record',
  );
}

/** What it makes of one in which a bit of `flip.at` is another one. */
export function checkFlip(work: Work, copy: Segment, flip: Answers['flip']): void {
  expectBehindRecord(copy, 'flip.at', flip.at);
  const { from, end } = lineAround(copy, flip.at);
  const behind = linesBefore(copy, copy.bytes.length) - linesBefore(copy, end) - 1;
  expectThat(flip.at < end && behind > 0, {
    expected: 'flip.at: a byte of a record that has other records behind it',
    came: `${flip.at}`,
  });
  const bytes = Buffer.from(copy.bytes);
  bytes[flip.at] = (bytes[flip.at] ?? 0) ^ 1;
  const found = started(work.scratch('damaged'), copy, bytes);
  expectThat(!found.ok && found.offset === from, {
    expected: 'a copy in before/ that is sound up to flip.at',
    came: found.ok ? 'a start would take it' : found.problem,
  });
  const why = 'Were people told of the records behind it?';
  expectWord('flip.verdict', flip.verdict, VERDICTS, 'refused', why);
  expectFound('flip.offset', flip.offset, found.offset, 'the offset that `journal check` names');
  // The header is a line too, and the name of a segment has the number of its first record.
  const first = Number(/\d+/.exec(copy.name)?.[0] ?? 1);
  const last = first + linesBefore(copy, from) - 2;
  expectFound('flip.last_record', flip.last_record, last, 'the last record that is left after `journal repair`');
  expectFound(
    'flip.given_up',
    flip.given_up,
    behind,
    'the records behind the damaged one, which are sound and are given up',
  );
}
