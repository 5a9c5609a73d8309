/**
 * The answers of lab 5: their shape, and sums of timers.
 *
 * Lives here: reading what a student wrote. Does not live here: whether it is so (check.ts), what happened (failures.ts).
 */
import { z } from 'zod';
import { TIMER_NAMES } from '../../ssmmp/core/timers.ts';
import type { Timers } from '../../ssmmp/core/timers.ts';
import { expectThat, Unmet } from '../runner/api.ts';
import type { Work } from '../runner/api.ts';

const ms = z.number({ error: 'milliseconds, a number' });
const eventNumber = z.number({ error: 'the number of an event' });
const range = z.tuple([ms, ms], { error: 'a range in milliseconds, such as [200, 500]' });
const word = z.string({ error: 'a text in quotes' });
const shape = z.object({
  predict: z.object({
    crash_wait: range,
    hang_given_up: range,
    node_suspect: range,
    node_lost: range,
    node_served: range,
  }),
  formulas: z.object({ hang_at_least: word, hang_at_most: word, node_lost_at_least: word, node_lost_at_most: word }),
  crash: z.object({ died: eventNumber, started: eventNumber, wait_ms: ms }),
  hang: z.object({ last_answer: word, given_up: eventNumber, given_up_ms: ms }),
  node: z.object({
    suspected: eventNumber,
    lost: eventNumber,
    served: eventNumber,
    suspect_ms: ms,
    lost_ms: ms,
    served_ms: ms,
  }),
  partition: z.object({ old: word, new: word, both_ms: ms }),
});
export type Answers = z.infer<typeof shape>;

/** How far a measured time may be off: the trace and the journal have clocks of different processes. */
const MEASURED_TOLERANCE_MS = 60;
/** Widest ranges of predictions. A range that always holds predicts nothing. */
const WIDTHS_MS: Readonly<Record<keyof Answers['predict'], number>> = {
  crash_wait: 500,
  hang_given_up: 1500,
  node_suspect: 1500,
  node_lost: 1500,
  node_served: 3000,
};
const TERM = /^(?:(\d{1,3})\s*\*\s*)?([A-Za-z]+)$/;

export function answersOf(work: Work): Answers {
  return work.yaml('answers.yaml', shape);
}

/** The measured time is what happened. */
export function expectMeasured(name: string, came: number, happenedMs: number, how: string): void {
  expectThat(Math.abs(came - happenedMs) <= MEASURED_TOLERANCE_MS, {
    expected: `${name}: ${how}, as your journal and trace have it, to ${MEASURED_TOLERANCE_MS} ms`,
    came: `${came}`,
  });
}

/** What happened lies in the predicted range, and the range is narrow enough to say something. */
export function expectPredicted({ predict }: Answers, name: keyof Answers['predict'], happenedMs: number): void {
  const [from, to] = predict[name];
  const width = WIDTHS_MS[name];
  expectThat(to > from && to - from <= width, {
    expected: `predict.${name}: a range [from, to] that is at most ${width} ms wide`,
    came: `[${from}, ${to}]`,
  });
  expectThat(from <= happenedMs && happenedMs <= to, {
    expected: `predict.${name}: a range that holds what you measured (${Math.round(happenedMs)} ms)`,
    came: `[${from}, ${to}]`,
    remark: 'Which timers are waited for, one after the other? Say why the first guess was wrong before you change it.',
  });
}

/** A sum of timers such as `2 * instanceHealthMs + instanceMissMs`, with these durations. Throws Unmet where it is none. */
export function valueOf({ formulas }: Answers, name: keyof Answers['formulas'], timers: Timers): number {
  const text = formulas[name];
  const refuse = (came: string): Unmet =>
    new Unmet({
      expected: `formulas.${name}: timers joined by + or -, each perhaps with a number before it, such as 2 * startMs + ackMs`,
      came,
    });
  const parts = text.replaceAll('-', '+-').split('+');
  if (text.trim() === '') throw refuse('an empty text');
  let sum = 0;
  for (const part of parts) {
    const isMinus = part.trim().startsWith('-');
    const [, times = '1', timer = ''] = TERM.exec(part.replace('-', '').trim()) ?? [];
    const known = TIMER_NAMES.find((each) => each === timer);
    if (known === undefined) throw refuse(`'${text}': '${part.trim()}' is no timer`);
    sum += (isMinus ? -1 : 1) * Number(times) * timers[known];
  }
  return sum;
}
