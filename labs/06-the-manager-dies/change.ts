/**
 * Changing the solution in one place, for the wrong answers of lab 6.
 *
 * Lives here: that. Each wrong answer keeps the rest as the solution has it.
 */
import { parse, stringify } from 'yaml';
import type { Work } from '../runner/api.ts';
import type { Answers } from './answers.ts';

/** Puts what `edit` gives in place of those answers of one part. */
export function change<Part extends keyof Answers>(
  work: Work,
  part: Part,
  edit: (answers: Answers[Part]) => Partial<Answers[Part]>,
): void {
  const all = parse(work.text('answers.yaml')) as Answers;
  work.write('answers.yaml', stringify({ ...all, [part]: { ...all[part], ...edit(all[part]) } }));
}

/** Replaces the one place of recover.ts where `from` stands. Throws where it stands nowhere or twice: a wrong answer must not rot. */
export function changeCode(work: Work, from: string, to: string): void {
  const text = work.text('recover.ts');
  if (text.split(from).length !== 2) throw new Error(`expected once in recover.ts: ${from}`);
  work.write(
    'recover.ts',
    text.replace(from, () => to),
  );
}
