/**
 * For wrong answers: one place of a file changed.
 */
import type { Work } from '../../runner/api.ts';

/** Replaces the one place where `from` stands. Throws where it stands nowhere or twice, so that a wrong answer cannot rot. */
export function change(work: Work, file: string, from: string, to: string): void {
  const text = work.text(file);
  if (text.split(from).length !== 2) throw new Error(`expected once in ${file}: ${from}`);
  work.write(
    file,
    text.replace(from, () => to),
  );
}
