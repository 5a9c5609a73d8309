/**
 * Faults as people see them: a table, a held message.
 *
 * Lives here: texts. Does not live here: asking for faults.
 */
import type { FaultRecord } from '../../faults/core/fault.ts';
import { timeOfDay } from './event-text.ts';
import { columnsText } from './tables.ts';
import type { Style } from './tables.ts';

/** The faults that are on, with what undoes each. */
export function faultsText(faults: readonly FaultRecord[], style: Style): string {
  if (faults.length === 0) return 'no fault is on\n';
  const head = ['FAULT', 'KIND', 'WHERE', 'WHAT', 'STATUS', 'UNTIL', 'UNDO'].map((title) => style.heading(title));
  const rows = faults.map(({ id, kind, target, detail, status, until, undo }) => [
    id,
    kind,
    target,
    detail,
    status === 'held' ? style.warn(status) : status,
    until === null ? '-' : timeOfDay(until),
    undo,
  ]);
  return columnsText([head, ...rows]);
}

/** A message that is held, line by line as the specification writes it, and what can be done. */
export function heldText(record: FaultRecord, style: Style): string {
  const lines = (record.message ?? '').split(' ~ ').map((line) => `  ${line}`);
  return [
    `${style.warn('held')} as ${record.id}: ${record.detail}`,
    ...lines,
    '',
    `ssmmp fault hold deliver|drop|duplicate|reorder ${record.id}`,
    '',
  ].join('\n');
}
