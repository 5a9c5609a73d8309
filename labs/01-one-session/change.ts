/**
 * Changing one part of a prediction, for the wrong answers of lab 1.
 *
 * Lives here: that. Each wrong answer keeps the rest as the solution has it.
 */
import { parse, stringify } from 'yaml';
import type { Work } from '../runner/api.ts';

/** Replaces the lines of one part. */
export function change(work: Work, part: string, edit: (lines: readonly string[]) => readonly string[]): void {
  const prediction = parse(work.text('prediction.yaml')) as Record<string, string[]>;
  work.write('prediction.yaml', stringify({ ...prediction, [part]: edit(prediction[part] ?? []) }));
}
