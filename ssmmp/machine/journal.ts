/**
 * The journal's format: what a line says, and how replay checks it.
 *
 * Lives here: header and record, as data, and `replay`. Does not live here: files, checksums, flushing
 * (ssmmp/shell/journal-file.ts). A record is an input and the effects it produced (decision 0001). Replay
 * steps again and compares, so a change that would explain an old run differently is found at its line.
 */
import type { Machine, Stamped } from './machine.ts';

/** First line of each segment: whose journal, and the state it starts from. */
export interface JournalHeader {
  readonly format: 'ssmmp-journal';
  readonly formatVersion: 1;
  readonly machine: string;
  readonly machineVersion: number;
  /** Number of the first record behind this header. */
  readonly firstRecord: number;
  /** Time of the last input before it. */
  readonly at: number;
  /** A little of the machine's choosing, read without the state: where a reader of the history begins. */
  readonly mark: unknown;
  /** Result of `Machine.save` before that record. */
  readonly state: unknown;
}

/** One step: its number, the input, the effects. */
export interface JournalRecord<Input, Effect> {
  readonly n: number;
  readonly in: Input;
  readonly out: readonly Effect[];
}

/** What a replay found. */
export type Replay<State> =
  | { readonly ok: true; readonly state: State; readonly records: number }
  | { readonly ok: false; readonly n: number; readonly problem: string };

/**
 * Steps through the records from the header's state. With `compare` (the default) the effects must be the
 * recorded ones to the letter; the effects are never performed.
 */
export function replay<State, Input extends Stamped, Effect>(
  machine: Machine<State, Input, Effect>,
  header: JournalHeader,
  records: Iterable<JournalRecord<Input, Effect>>,
  compare = true,
): Replay<State> {
  if (header.machine !== machine.name || header.machineVersion !== machine.version)
    return {
      ok: false,
      n: header.firstRecord,
      problem: `the journal is of ${header.machine} version ${header.machineVersion}, this program is ${machine.name} version ${machine.version}`,
    };
  const state = machine.load(header.state);
  let expected = header.firstRecord;
  for (const record of records) {
    if (record.n !== expected) return { ok: false, n: record.n, problem: `record ${expected} is missing` };
    const { effects } = machine.step(state, record.in);
    if (compare) {
      const now = JSON.stringify(effects);
      const then = JSON.stringify(record.out);
      if (now !== then) return { ok: false, n: record.n, problem: `effects differ: recorded ${then}, replayed ${now}` };
    }
    expected += 1;
  }
  return { ok: true, state, records: expected - header.firstRecord };
}
