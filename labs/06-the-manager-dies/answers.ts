/**
 * The answers of lab 6: their shape, and how a prediction is compared.
 *
 * Lives here: reading what a student wrote. Does not live here: whether it is so (check.ts).
 */
import { z } from 'zod';
import { expectThat } from '../runner/api.ts';
import type { Work } from '../runner/api.ts';

const word = z.string({ error: 'a text in quotes' });
const number = z.number({ error: 'a number' });
const shape = z.object({
  predict: z.object({ post: word, first_file: word, scale: word, crash: word }),
  away: z.object({
    back: number,
    post: number,
    file: word,
    file_waited_ms: number,
    died: word,
    noticed: number,
    scaled: number,
  }),
  split: z.object({
    exchange: word,
    status: number,
    old_epoch: number,
    seen_epoch: number,
    refused_by: word,
    spared: word,
  }),
  tear: z.object({ at: number, verdict: word, last_record: number, instances: number }),
  flip: z.object({ at: number, verdict: word, offset: number, last_record: number, given_up: number }),
  mirror: z.object({ comes_back: word, last_record: number, kept_in: word, first_id: number }),
});
export type Answers = z.infer<typeof shape>;

export function answersOf(work: Work): Answers {
  return work.yaml('answers.yaml', shape);
}

/** An answer is what was found. The failure says what was asked for and what came, and not the answer. */
export function expectFound(name: string, came: string | number, found: string | number, what: string): void {
  expectThat(came === found, { expected: `${name}: ${what}`, came: came === '' ? 'an empty text' : `${came}` });
}

/** A prediction is one of these words, and the one that happened. */
export function expectWord(name: string, came: string, words: readonly string[], found: string, why: string): void {
  expectThat(words.includes(came), { expected: `${name}: ${words.join(', ')}`, came: `'${came}'` });
  expectThat(came === found, { expected: `${name}: what happened in your cluster`, came: `'${came}'`, remark: why });
}
