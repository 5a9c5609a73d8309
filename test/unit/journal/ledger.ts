/**
 * A tiny machine for journal tests: a ledger whose state depends on every input and on their order.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Machine } from '../../../ssmmp/machine/machine.ts';
import { openJournal, type JournalFile, type JournalOptions } from '../../../ssmmp/shell/journal-file.ts';

export interface Ledger {
  sum: number;
  count: number;
  ballast: string;
}

export type Entry = { readonly kind: 'add'; readonly at: number; readonly amount: number; readonly text: string };
export type Said = { readonly kind: 'said'; readonly sum: number };

export const ledgerMachine: Machine<Ledger, Entry, Said> = {
  name: 'ledger',
  version: 1,
  step(state, { amount }) {
    state.count += 1;
    state.sum = (state.sum * 31 + amount) % 1_000_003;
    return { effects: [{ kind: 'said', sum: state.sum }], flush: amount % 2 === 0 };
  },
  nextDeadline: () => null,
  save: (state) => ({ ...state }),
  load: (saved) => ({ ...(saved as Ledger) }),
};

export const initialLedger = (): Ledger => ({ sum: 0, count: 0, ballast: '' });

/** The ledger after the first `count` entries of `entry`. */
export function ledgerAfter(count: number): Ledger {
  const state = initialLedger();
  for (let index = 1; index <= count; index += 1) ledgerMachine.step(state, entry(index));
  return state;
}

export function entry(index: number): Entry {
  return { kind: 'add', at: 1_000 + index, amount: index * 7, text: index % 3 === 0 ? 'a "quoted" line → ~' : 'plain' };
}

export type LedgerJournal = JournalFile<Ledger, Entry, Said>;

/** Opens (or begins) a ledger's journal; throws the sentence of a refusal. */
export function openLedger(
  folder: string,
  more: Partial<JournalOptions<Ledger, Entry, Said>> = {},
): {
  journal: LedgerJournal;
  state: Ledger;
  warnings: readonly string[];
  replayed: number;
  lastAt: number;
  isNew: boolean;
} {
  const opened = openJournal<Ledger, Entry, Said>({ folder, machine: ledgerMachine, initial: initialLedger, ...more });
  if (!opened.ok) throw new Error(opened.problem);
  return opened;
}

/** Steps and records entries `from` … `to`, `batch` of them a commit. */
export async function record(
  opened: { journal: LedgerJournal; state: Ledger },
  from: number,
  to: number,
  batch = 3,
): Promise<void> {
  for (let index = from; index <= to; index += 1) {
    const input = entry(index);
    const { effects } = ledgerMachine.step(opened.state, input);
    opened.journal.append(input, effects);
    if (index % batch === 0 || index === to) await opened.journal.commit(true);
  }
}

/** A folder of its own for one test; `remove` takes it away. */
export function scratch(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'ssmmp-journal-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
